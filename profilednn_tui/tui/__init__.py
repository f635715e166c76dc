"""The terminal interface; textual is imported when it starts, not before."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from profilednn_tui.compare.report.report import Report
    from profilednn_tui.session.records import SessionView
    from profilednn_tui.session.source import OpenSession
    from profilednn_tui.tui.screens.runs import RunChoice


def run_app(session: OpenSession, launched: bool, report: Report | None = None) -> int:
    """Show a session until the user leaves; the target's exit code when it was launched here and has ended, else 0.

    With a report, its comparisons are on top.
    """
    from pathlib import Path

    from profilednn_tui.clock import SYSTEM_CLOCK
    from profilednn_tui.tui.app import ProfilerApp

    def choices(view: SessionView) -> tuple[RunChoice, ...]:
        # What comparing needs takes half a second to import: not before somebody compares.
        from profilednn_tui.tui.comparisons import related_choices

        return related_choices(session.location, SYSTEM_CLOCK)(view)

    def save(name: str, path: Path) -> None:
        from profilednn_tui.export import FORMATS

        FORMATS[name].write(session, path)

    app = ProfilerApp(session, launched, save, choices, report)
    app.run()
    return app.return_code or app.exit_code
