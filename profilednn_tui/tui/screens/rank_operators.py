"""The operators of a rank beside those of a typical other one."""

from __future__ import annotations

from collections.abc import Hashable

from textual.app import ComposeResult

from profilednn_tui.session.view import SessionView
from profilednn_tui.tui.panels.bars import BarView, BreadcrumbBar
from profilednn_tui.tui.panels.table import TableView
from profilednn_tui.tui.present import rank_operators as present
from profilednn_tui.tui.present.rank_operators import DifferenceRow
from profilednn_tui.tui.present.table import SortOrder
from profilednn_tui.tui.screens.base import SessionScreen


class DifferencesTable(TableView[DifferenceRow]):
    """A row for each operator and phase."""

    COLUMNS = present.COLUMNS
    FIRST_ORDER = SortOrder("more ms")

    def __init__(self) -> None:
        super().__init__(id="rank-operators")
        self.border_title = "Operators"

    def key_of(self, row: DifferenceRow) -> Hashable:
        return row.difference.name, row.difference.phase

    def row_text(self, row: DifferenceRow) -> str:
        return present.search_text(row)

    def copy_text(self, row: DifferenceRow) -> str:
        return present.copy_text(row)


class RankOperatorsScreen(SessionScreen):
    """What a rank spends more time on than others."""

    def __init__(self, rank: int) -> None:
        super().__init__()
        self._rank = rank

    def compose_body(self) -> ComposeResult:
        yield BreadcrumbBar(id="breadcrumb")
        yield BarView(id="ranks-head")
        yield DifferencesTable()

    def on_mount(self) -> None:
        super().on_mount()
        self.set_focus(self.query_one(DifferencesTable))

    def show_body(self, view: SessionView) -> None:
        self.query_one(BreadcrumbBar).show_path(("Ranks", f"Operators of rank {self._rank}"))
        self.query_one("#ranks-head", BarView).show_lines([present.head_line(view, self._rank)])
        table = self.query_one(DifferencesTable)
        rows = present.difference_rows(view, self._rank)
        if rows:
            table.show_rows(rows)
        else:
            table.show_message(present.no_differences())
