"""All ranks of a distributed training; Enter shows one of them on the other screens."""

from __future__ import annotations

from collections.abc import Hashable
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.message import Message

from profilednn_tui.ranks.account import ranks_of
from profilednn_tui.session.view import SessionView
from profilednn_tui.tui.panels.bars import BarView, BreadcrumbBar
from profilednn_tui.tui.panels.table import TableView
from profilednn_tui.tui.present import ranks as present
from profilednn_tui.tui.present.ranks import RankRow
from profilednn_tui.tui.present.table import SortOrder
from profilednn_tui.tui.screens.base import SessionScreen
from profilednn_tui.tui.screens.rank_operators import RankOperatorsScreen


class RanksTable(TableView[RankRow]):
    """A row for each rank."""

    COLUMNS = present.COLUMNS
    FIRST_ORDER = SortOrder("caused")

    def __init__(self) -> None:
        super().__init__(id="ranks")
        self.border_title = "Ranks"

    def key_of(self, row: RankRow) -> Hashable:
        return row.account.rank

    def row_text(self, row: RankRow) -> str:
        return present.search_text(row)

    def copy_text(self, row: RankRow) -> str:
        return present.copy_text(row)


class RanksScreen(SessionScreen):
    """Who waits for whom."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("d", "differences", "operators beside another rank's", id="rank-differences")
    ]

    class Chosen(Message):
        """The user wants to see this process."""

        def __init__(self, key: int) -> None:
            super().__init__()
            self.key = key

    def compose_body(self) -> ComposeResult:
        yield BreadcrumbBar(id="breadcrumb")
        yield BarView(id="ranks-head")
        yield RanksTable()

    def on_mount(self) -> None:
        super().on_mount()
        self.set_focus(self.query_one(RanksTable))

    def show_body(self, view: SessionView) -> None:
        self.query_one(BreadcrumbBar).show_path(("Ranks",))
        found = ranks_of(view.ranks)
        head = self.query_one("#ranks-head", BarView)
        lines = present.head_lines(view, found, self.size.width)
        head.styles.height = len(lines)
        head.show_lines(lines)
        table = self.query_one(RanksTable)
        message = present.ranks_message(view, found)
        if message is not None:
            table.show_message(message)
        else:
            table.show_rows(present.rank_rows(view, found))

    def action_differences(self) -> None:
        """Show what the rank under the cursor spends more time on than a typical one."""
        row = self.query_one(RanksTable).current
        if row is not None:
            self.app.push_screen(RankOperatorsScreen(row.account.rank))

    @on(TableView.Opened, "#ranks")
    def _show_rank(self) -> None:
        row = self.query_one(RanksTable).current
        if row is not None:
            self.post_message(self.Chosen(row.account.key))
            self.go_back()
