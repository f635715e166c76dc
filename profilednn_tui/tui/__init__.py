"""The terminal interface; textual is imported when it starts, not before."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from profilednn_tui.export.comparison.report import Report
    from profilednn_tui.launch.rerun import Rerun
    from profilednn_tui.session.open_session import OpenSession
    from profilednn_tui.session.view import SessionView
    from profilednn_tui.tui.screens.runs import RunChoice


def run_app(session: OpenSession, launched: bool, report: Report | None = None, rerun: Rerun | None = None) -> int:
    """Show a session until the user leaves, and every run that he starts from it.

    The exit code is the last target's when it was launched here and has ended, else 0. With a report, its comparisons
    are on top. `rerun` says how the session's target was started; without it, that is what the session tells.
    """
    import gc
    import os
    from contextlib import nullcontext
    from pathlib import Path

    gc.disable()  # until the first picture: what is imported now stays anyway
    from profilednn_tui.clock import SYSTEM_CLOCK
    from profilednn_tui.launch.pseudoterminal import TerminalSize
    from profilednn_tui.launch.rerun import Rerun
    from profilednn_tui.recording.viewers import viewing
    from profilednn_tui.session.open_session import open_session
    from profilednn_tui.tui.app import ProfilerApp, QuitChoice

    def choices(view: SessionView) -> tuple[RunChoice, ...]:
        # What comparing needs takes half a second to import: not before somebody compares.
        from profilednn_tui.tui.comparisons import related_choices

        return related_choices(session.location, SYSTEM_CLOCK)(view)

    def save(name: str, path: Path) -> None:
        from profilednn_tui.export.session import FORMATS

        FORMATS[name].write(session, path)

    again = rerun or (None if session.foreign else Rerun.of(session.location))
    while True:
        app = ProfilerApp(
            session,
            launched,
            save,
            choices,
            report,
            check=again.check if again is not None else tuple,
            command=again.text if again is not None else "",
            optimizations=again.options.optimizations if again is not None else (),
        )
        with nullcontext() if session.foreign else viewing(session.location):
            app.run()
        if app.parting is not None:
            from profilednn_tui.attach.start import part

            print(part(session.location, stay=app.parting is QuitChoice.STAY))
        if app.rerun_with is None or again is None or app.return_code:
            return app.return_code or app.exit_code
        again = again.with_optimizations(app.rerun_with)
        session.close()
        columns, rows = os.get_terminal_size()
        session, launched, report = (
            open_session(again.start(TerminalSize(rows, columns)), started_here=True),
            True,
            None,
        )
