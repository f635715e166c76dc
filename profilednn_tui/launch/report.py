"""What a run leaves for the user: the snapshot and the summary."""

from __future__ import annotations

from pathlib import Path

from profilednn_tui.export.session.summary import summary_lines
from profilednn_tui.session.open_session import open_session


def write_report(folder: Path, output: Path | None) -> tuple[str, ...]:
    """Write the snapshot if `output` is given; returns the lines of the summary."""
    # The target has ended, even where a full disk has kept its end out of the recording.
    with open_session(folder, alive=lambda pid, since_unix_ns: False, started_here=True) as session:
        session.catch_up()
        if output is not None:
            session.save_snapshot(output)
        return summary_lines(session.view())
