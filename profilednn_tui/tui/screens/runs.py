"""The run list: what a session can be compared with, and the verdicts."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from textual import on, work
from textual.app import ComposeResult
from textual.message import Message as TextualMessage

from profilednn_tui.compare.comparison import Comparison
from profilednn_tui.errors import ProfilerError
from profilednn_tui.session.view import SessionView
from profilednn_tui.tui.panels.bars import BreadcrumbBar
from profilednn_tui.tui.panels.comparison import RunTable
from profilednn_tui.tui.panels.lines import LinesView
from profilednn_tui.tui.panels.table import TableView
from profilednn_tui.tui.present.comparison import RunRow
from profilednn_tui.tui.present.states import Message
from profilednn_tui.tui.screens.base import SessionScreen
from profilednn_tui.tui.screens.compare import CompareScreen
from profilednn_tui.tui.screens.difference import ReadRunSource


@dataclass(frozen=True, slots=True)
class RunChoice:
    """One run of the list, and how to compare with it, which may take a while."""

    row: RunRow
    compare: Callable[[], Comparison]


class RunsScreen(SessionScreen):
    """All runs with their verdicts; Enter opens the comparison."""

    class Compared(TextualMessage):
        """A comparison is done, or has failed."""

        def __init__(self, key: str, comparison: Comparison | None, failure: str) -> None:
            super().__init__()
            self.key = key
            self.comparison = comparison
            self.failure = failure

    def __init__(
        self,
        title: str,
        choices: Sequence[RunChoice],
        shown_side: str,
        read_source: ReadRunSource,
        remarks: Sequence[str] = (),
    ) -> None:
        super().__init__()
        self._remarks = tuple(remarks)
        self._title = title
        self._choices = {choice.row.key: choice for choice in choices}
        self._rows = {choice.row.key: choice.row for choice in choices}
        self._comparisons: dict[str, Comparison] = {}
        self._shown_side = shown_side
        self._read_source = read_source

    def compose_body(self) -> ComposeResult:
        yield BreadcrumbBar(id="breadcrumb")
        yield RunTable(self._shown_side)
        remarks = LinesView(id="remarks")
        remarks.display = bool(self._remarks)
        remarks.border_title = "All comparisons"
        yield remarks

    def on_mount(self) -> None:
        super().on_mount()
        self.set_focus(self.query_one(RunTable))
        self._compare_all()

    def on_resize(self) -> None:
        super().on_resize()
        self.call_after_refresh(self._draw)

    def show_body(self, view: SessionView) -> None:
        self._draw()

    def _draw(self) -> None:
        self.query_one(BreadcrumbBar).show_path(("Compare", self._title))
        table = self.query_one(RunTable)
        table.border_title = "Runs"
        self.query_one("#remarks", LinesView).show_lines([((line, ""),) for line in self._remarks])
        if self._rows:
            table.show_rows(tuple(self._rows.values()))
            return
        message = Message(
            "No other run of this script", ("Run it again, or `profilednn-tui experiment` with several variants.",)
        )
        table.show_message(message)

    @work(thread=True, exclusive=True, exit_on_error=False)
    def _compare_all(self) -> None:
        for key, choice in self._choices.items():
            if not self.is_running:
                return
            comparison, failure = None, ""
            try:
                comparison = choice.compare()
            except ProfilerError as error:
                failure = str(error)
            self.post_message(self.Compared(key, comparison, failure))

    @on(Compared)
    def _show_comparison(self, event: Compared) -> None:
        row = self._rows[event.key]
        if event.comparison is None:
            self._rows[event.key] = replace(row, failure=event.failure)
        else:
            self._comparisons[event.key] = event.comparison
            verdict, losses = event.comparison.verdict, event.comparison.losses.text
            self._rows[event.key] = replace(row, verdict=verdict, losses=losses)
        self._draw()

    @on(TableView.Opened, "#runs")
    def _open(self) -> None:
        row = self.query_one(RunTable).current
        comparison = self._comparisons.get(row.key) if row is not None else None
        if comparison is not None:
            self.app.push_screen(CompareScreen(comparison, self._read_source))
        else:
            self.notify("This run is still being read, or cannot be compared.", timeout=3)
