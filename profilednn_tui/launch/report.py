"""What a run leaves for the user: the snapshot and the summary."""

from __future__ import annotations

import hashlib
import math
import shlex
from pathlib import Path

from profilednn_tui.collect.machine import own_hardware
from profilednn_tui.export.session.summary import summary_lines
from profilednn_tui.session.open_session import open_session
from profilednn_tui.session.storage.spreads import SESSIONS, add_runs
from profilednn_tui.session.view import SessionView

FEWEST_STEPS = 20
"""Of a session whose median step tells anything about the next one."""


def write_report(folder: Path, output: Path | None) -> tuple[str, ...]:
    """Write the snapshot if `output` is given; returns the lines of the summary."""
    # The target has ended, even where a full disk has kept its end out of the recording.
    with open_session(folder, alive=lambda pid, since_unix_ns: False, started_here=True) as session:
        session.catch_up()
        if output is not None:
            session.save_snapshot(output)
        view = session.view()
    _learn(folder, view)
    return summary_lines(view)


def _learn(folder: Path, view: SessionView) -> None:
    """Keep the median step for the verdicts on later sessions of the same thing, if nothing disturbed it."""
    target, median_ns = view.target, view.steps.median_ns
    if target.exit_code or view.cores.contention or not median_ns or view.steps.count < FEWEST_STEPS:
        return
    what = shlex.join([*target.argv, *target.optimizations, target.script_sha256])
    name = hashlib.sha256(what.encode()).hexdigest()[:16]
    add_runs(folder.parent, own_hardware(), SESSIONS, name, [math.log(median_ns)])
