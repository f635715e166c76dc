"""Writing the session to a file."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from textual.app import App
from textual.screen import ModalScreen

from profilednn_tui.errors import ProfilerError
from profilednn_tui.tui.controllers.controller import Controller
from profilednn_tui.tui.following import Following

if TYPE_CHECKING:
    from profilednn_tui.tui.screens.export import ExportAnswer


class Exporting(Controller):
    """Asks for a format and a file, and writes it."""

    def __init__(self, app: App[None], following: Following, save: Callable[[str, Path], None]) -> None:
        super().__init__(app, following)
        self._save = save

    def ask(self) -> None:
        # Imported here: the formats are not needed before the first frame.
        from profilednn_tui.tui.screens.export import ExportScreen

        if not isinstance(self._app.screen, ModalScreen):
            stem = Path(self._following.latest.target.name or "session").stem
            self._app.push_screen(ExportScreen(stem, self._write))

    def _write(self, answer: ExportAnswer) -> str:
        try:
            self._save(answer.format_name, answer.path)
        except ProfilerError as error:
            return str(error)
        self._app.notify(f"Wrote {answer.path.absolute()}", timeout=6)
        return ""
