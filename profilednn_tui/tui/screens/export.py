"""The dialog that asks for the format and the file of an export."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePath
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.screen import ModalScreen
from textual.widgets import Input, Label

from profilednn_tui.export.session import FORMATS, Format
from profilednn_tui.tui.panels.table import TableView
from profilednn_tui.tui.present.table import Column


@dataclass(frozen=True, slots=True)
class ExportAnswer:
    """What to write, and where."""

    format_name: str
    path: Path


class FormatsView(TableView[Format]):
    """The formats, one per line."""

    COLUMNS = (
        Column[Format]("format", 10, lambda row, width: ((row.name, "primary bold"),), right=False),
        Column[Format]("", 20, lambda row, width: ((row.description, ""),), right=False, grow=1),
    )

    def key_of(self, row: Format) -> Hashable:
        return row.name

    def row_text(self, row: Format) -> str:
        return row.name

    def copy_text(self, row: Format) -> str:
        return row.name


class ExportScreen(ModalScreen[ExportAnswer | None]):
    """Asks for format and path; the result is None if the user cancels."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "cancel", "cancel")]

    def __init__(self, name: str) -> None:
        super().__init__()
        self._stem = name
        self._formats: Sequence[Format] = tuple(FORMATS.values())

    def compose(self) -> ComposeResult:
        with Vertical(classes="dialog") as dialog:
            dialog.border_title = "Export"
            dialog.border_subtitle = "enter: next, then write · tab · esc cancels"
            yield FormatsView(id="formats")
            yield Label("file", classes="field")
            field = Input(self._stem + self._formats[0].suffix, compact=True, select_on_focus=False)
            field.cursor_blink = False
            yield field

    def on_mount(self) -> None:
        view = self.query_one(FormatsView)
        view.styles.height = len(self._formats) + 1
        view.show_rows(self._formats)
        view.focus()

    @on(TableView.Moved)
    def _other_format(self, event: TableView.Moved) -> None:
        """The file's suffix follows the format."""
        field = self.query_one(Input)
        path = PurePath(field.value)
        if path.name and path.suffix in {one.suffix for one in self._formats}:
            field.value = str(path.with_suffix(event.row.suffix))

    @on(TableView.Opened)
    def _to_path(self) -> None:
        self.query_one(Input).focus()

    @on(Input.Submitted)
    def _write(self, event: Input.Submitted) -> None:
        row = self.query_one(FormatsView).current
        if row is not None and event.value.strip():
            self.dismiss(ExportAnswer(row.name, Path(event.value.strip())))

    def action_cancel(self) -> None:
        self.dismiss(None)
