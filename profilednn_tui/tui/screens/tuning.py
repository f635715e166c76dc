"""A search for the fastest setting, while it goes on and after."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.content import Content

from profilednn_tui.session.view import SessionView
from profilednn_tui.tui.controllers.tuning import StopRequested
from profilednn_tui.tui.panels.bars import BreadcrumbBar
from profilednn_tui.tui.panels.lines import LinesView
from profilednn_tui.tui.panels.table import TableView
from profilednn_tui.tui.present import tuning
from profilednn_tui.tui.present.tuning import CandidateRow, Running
from profilednn_tui.tui.screens.base import SessionScreen

LOOK_S = 1.0


class CandidatesView(TableView[CandidateRow]):
    """One candidate per line, the best first."""

    COLUMNS = tuning.COLUMNS

    def key_of(self, row: CandidateRow) -> Hashable:
        return row.name

    def row_text(self, row: CandidateRow) -> str:
        return tuning.search_text(row)

    def copy_text(self, row: CandidateRow) -> str:
        return tuning.copy_text(row)


class TuningScreen(SessionScreen):
    """The candidates with their intervals, and what is known of one."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("x", "stop", "stop the search", id="stop")]

    def __init__(self, running: Callable[[], Running]) -> None:
        """`running` reads how far the search is."""
        super().__init__()
        self._read = running
        self._search = Running()

    def compose_body(self) -> ComposeResult:
        yield BreadcrumbBar(id="breadcrumb")
        yield CandidatesView(id="candidates")
        yield LinesView(id="candidate")

    def on_mount(self) -> None:
        super().on_mount()
        self.set_focus(self.query_one(CandidatesView))
        self.set_interval(LOOK_S, self._look)
        self._look()

    def on_resize(self) -> None:
        super().on_resize()
        self.call_after_refresh(self._draw)

    def show_body(self, view: SessionView) -> None:
        self._draw()

    def _look(self) -> None:
        self._search = self._read()
        self._draw()

    def _draw(self) -> None:
        table = self.query_one(CandidatesView)
        if not table.size:
            return
        self.query_one(BreadcrumbBar).show_path(("Fastest setting",))
        table.border_title = "What each candidate does to the step time"
        table.border_subtitle = Content(tuning.progress_text(self._search))
        message = tuning.message(self._search)
        if message is not None:
            table.show_message(message)
        else:
            table.show_rows(tuning.candidate_rows(self._search))
        self._show_detail()

    @on(TableView.Moved)
    def _show_detail(self) -> None:
        detail = self.query_one("#candidate", LinesView)
        if detail.size:
            row = self.query_one(CandidatesView).current
            detail.show_lines(tuning.detail_lines(row, self._search, detail.room.width))

    def action_stop(self) -> None:
        self.post_message(StopRequested())
