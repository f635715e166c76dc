"""The source code of a file, with the time of its lines."""

from __future__ import annotations

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType

from profilednn_tui.session.view import Operators, SessionView
from profilednn_tui.tui.feed import ReadSource
from profilednn_tui.tui.panels.bars import BreadcrumbBar
from profilednn_tui.tui.panels.source_code import SourceCodeView
from profilednn_tui.tui.present.stacks import short_file
from profilednn_tui.tui.screens.base import EditRequested, SessionScreen


class SourceCodeScreen(SessionScreen):
    """The end of a drill-down."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("e", "edit", "edit", id="edit")]

    def __init__(self, file: str, line: int, path: tuple[str, ...], read_source: ReadSource) -> None:
        super().__init__()
        self._file = file
        self._line = line
        self._path = path
        self._read_source = read_source
        self._shown: Operators | None = None

    def compose_body(self) -> ComposeResult:
        yield BreadcrumbBar(id="breadcrumb")
        yield SourceCodeView(id="source-code")

    def on_mount(self) -> None:
        super().on_mount()
        self.set_focus(self.query_one(SourceCodeView))

    def on_resize(self) -> None:
        super().on_resize()
        self.call_after_refresh(self._draw)

    def show_body(self, view: SessionView) -> None:
        self._draw()

    def _draw(self) -> None:
        code = self.query_one(SourceCodeView)
        operators = self.view.operators
        if operators is self._shown or not code.size:
            return
        first, self._shown = self._shown is None, operators
        self.query_one(BreadcrumbBar).show_path((*self._path, f"{short_file(self._file)}:{self._line}"))
        code.show_code(self._read_source(self._file), operators)
        if first:
            code.show_line(self._line)

    def action_edit(self) -> None:
        self.post_message(EditRequested(self._read_source(self._file), self.query_one(SourceCodeView).line_number))
