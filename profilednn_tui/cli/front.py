"""Which front end shows a session: the TUI on a terminal, text elsewhere."""

from __future__ import annotations

import sys
from pathlib import Path


def on_terminal() -> bool:
    """Whether a TUI has a screen to draw on and keys to read."""
    return all(stream is not None and stream.isatty() for stream in (sys.stdin, sys.stdout))


def show(location: Path | str, launched: bool = False) -> int:
    """Open a session in the TUI; the exit code."""
    from profilednn_tui.collect.roster import viewing
    from profilednn_tui.session.source import open_session
    from profilednn_tui.tui import run_app

    session = open_session(location)
    with viewing(session.location):
        return run_app(session, launched=launched)
