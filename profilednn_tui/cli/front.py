"""Which front end shows a session: the TUI on a terminal, text elsewhere."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from profilednn_tui.export.comparison.report import Report
    from profilednn_tui.launch.rerun import Rerun
    from profilednn_tui.session.open_session import OpenSession


def on_terminal() -> bool:
    """Whether a TUI has a screen to draw on and keys to read."""
    return all(stream is not None and stream.isatty() for stream in (sys.stdin, sys.stdout))


def warn_of_home() -> None:
    """Warn on stderr about problems with the folder of all sessions."""
    from profilednn_tui.launch.headless import say
    from profilednn_tui.paths import home_warning

    warning = home_warning()
    if warning is not None:
        say(f"profilednn-tui: {warning}")


def show(
    session: OpenSession,
    launched: bool = False,
    report: Report | None = None,
    rerun: Rerun | None = None,
    last_step: int | None = None,
) -> int:
    """Show a session in the TUI until the user leaves or a step, with any report on top; returns the exit code."""
    from profilednn_tui.tui import run_app

    return run_app(session, launched, report, rerun, last_step)
