"""Which columns a table shows."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass
from typing import Any, ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.screen import ModalScreen

from profilednn_tui.tui.keys import with_keys
from profilednn_tui.tui.panels.table import TableView
from profilednn_tui.tui.present.table import Column, optional_titles


@dataclass(frozen=True, slots=True)
class ColumnRow:
    """One column that may be hidden."""

    title: str
    shown: bool


class ColumnsView(TableView[ColumnRow]):
    """The columns, one per line."""

    COLUMNS = (
        Column[ColumnRow]("", 1, lambda row, width: (("✓" if row.shown else "·", "primary bold"),), right=False),
        Column[ColumnRow]("", 20, lambda row, width: ((row.title, "" if row.shown else "muted"),), right=False, grow=1),
    )
    BINDINGS: ClassVar[list[BindingType]] = [Binding("space", "open", "show or hide", id="switch")]

    def key_of(self, row: ColumnRow) -> Hashable:
        return row.title

    def row_text(self, row: ColumnRow) -> str:
        return row.title

    def copy_text(self, row: ColumnRow) -> str:
        return row.title

    def action_choose_columns(self) -> None:
        """Close: the key that opened the screen."""
        self.screen.dismiss()


class ColumnsScreen(ModalScreen[None]):
    """Switches columns of a table on and off; the table behind it follows at once."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "dismiss", "close", id="back")]

    def __init__(self, table: TableView[Any]) -> None:
        super().__init__()
        self._table = table

    def compose(self) -> ComposeResult:
        with Vertical(classes="dialog") as dialog:
            dialog.border_title = "Columns"
            dialog.border_subtitle = with_keys(self, "{switch} shows or hides · {back} closes", ColumnsView)
            yield ColumnsView(id="columns")

    def on_mount(self) -> None:
        view = self.query_one(ColumnsView)
        view.styles.height = len(optional_titles(self._table.COLUMNS))
        self._show_rows()
        self.set_focus(view)

    @on(TableView.Opened)
    def _switch(self, event: TableView.Opened) -> None:
        event.stop()
        row: ColumnRow = event.row
        self._table.hide_columns(self._table.hidden ^ {row.title})
        self._show_rows()

    def _show_rows(self) -> None:
        titles = optional_titles(self._table.COLUMNS)
        rows = tuple(ColumnRow(title, title not in self._table.hidden) for title in titles)
        self.query_one(ColumnsView).show_rows(rows)
