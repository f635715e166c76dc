"""The terminal interface; textual is imported when it starts, not before."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from profilednn_tui.session.source import OpenSession


def run_app(session: OpenSession, launched: bool) -> int:
    """Show a session until the user leaves; the target's exit code when it was launched here and has ended, else 0."""
    from pathlib import Path

    from profilednn_tui.tui.app import Parting, ProfilerApp

    def save(name: str, path: Path) -> None:
        from profilednn_tui.export import FORMATS

        FORMATS[name].write(session, path)

    app = ProfilerApp(session, launched, save)
    app.run()
    if app.parting is not None:
        from profilednn_tui.attach.session import part

        print(part(session.location, stay=app.parting is Parting.STAY))
    return app.return_code or app.exit_code
