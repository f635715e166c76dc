"""The findings: what holds the training back, and the evidence of one of them."""

from __future__ import annotations

from collections.abc import Hashable
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.message import Message

from profilednn_tui.advise.findings import Evidence, Finding
from profilednn_tui.export.advice.words import value_text
from profilednn_tui.session.frames import absolute_file
from profilednn_tui.session.view import SessionView
from profilednn_tui.tui.feed import ReadSource
from profilednn_tui.tui.keys import with_keys
from profilednn_tui.tui.panels.bars import BreadcrumbBar
from profilednn_tui.tui.panels.lines import LinesView
from profilednn_tui.tui.panels.table import TableView
from profilednn_tui.tui.present import advice
from profilednn_tui.tui.present.advice import FindingRow
from profilednn_tui.tui.screens.base import SessionScreen
from profilednn_tui.tui.screens.memory import MemoryScreen
from profilednn_tui.tui.screens.operator import OperatorScreen
from profilednn_tui.tui.screens.primitives import PrimitivesScreen
from profilednn_tui.tui.screens.source_code import SourceCodeScreen

PLACE = "Findings"
"""The beginning of the breadcrumb."""


class TryRequested(Message):
    """The user wants to try the remedy of a finding."""

    def __init__(self, finding: Finding) -> None:
        super().__init__()
        self.finding = finding


class PaneRequested(Message):
    """The user wants to see a pane of the dashboard."""

    def __init__(self, number: int) -> None:
        super().__init__()
        self.number = number


class FindingsView(TableView[FindingRow]):
    """The findings, one per line, then the rules that cannot tell."""

    COLUMNS = advice.COLUMNS

    def key_of(self, row: FindingRow) -> Hashable:
        return row.rule

    def row_text(self, row: FindingRow) -> str:
        return advice.search_text(row)

    def copy_text(self, row: FindingRow) -> str:
        return advice.copy_text(row)


class EvidenceView(TableView[Evidence]):
    """The figures behind a finding."""

    COLUMNS = advice.EVIDENCE_COLUMNS

    def key_of(self, row: Evidence) -> Hashable:
        return row.text

    def row_text(self, row: Evidence) -> str:
        return f"{row.text} {row.unit} {advice.place_text(row.place)}"

    def copy_text(self, row: Evidence) -> str:
        return f"{row.text}\t{value_text(row)}\t{row.unit}\t{row.place}"


class FindingsScreen(SessionScreen):
    """All findings, most recoverable time first, with the details of one."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("t", "try", "try it", id="try")]

    def __init__(self, read_source: ReadSource) -> None:
        super().__init__()
        self._read_source = read_source

    def compose_body(self) -> ComposeResult:
        yield BreadcrumbBar(id="breadcrumb")
        yield FindingsView(id="findings")
        yield LinesView(id="finding")

    def on_mount(self) -> None:
        super().on_mount()
        self.set_focus(self.query_one(FindingsView))

    def on_resize(self) -> None:
        super().on_resize()
        self.call_after_refresh(self._draw)

    def show_body(self, view: SessionView) -> None:
        self._draw()

    def _draw(self) -> None:
        table = self.query_one(FindingsView)
        if not table.size:
            return
        self.query_one(BreadcrumbBar).show_path((PLACE,))
        message = advice.findings_message(self.findings, self.view)
        table.border_title = "What holds the training back"
        table.border_subtitle = Content(advice.summary_text(self.findings, self.view))
        if message is not None:
            table.show_message(message)
        else:
            table.show_rows(advice.finding_rows(self.findings))
        self._show_detail()

    @on(TableView.Moved)
    def _show_detail(self) -> None:
        row = self.query_one(FindingsView).current
        detail = self.query_one("#finding", LinesView)
        if row is not None and detail.size:
            detail.border_title = Content(advice.rule_words(row.rule))
            detail.show_lines(advice.detail_lines(row, self.view, detail.room.width))

    @on(TableView.Opened)
    def _open(self) -> None:
        row = self.query_one(FindingsView).current
        if row is not None and row.finding is not None:
            self.app.push_screen(FindingScreen(row.finding, self._read_source))

    def action_try(self) -> None:
        row = self.query_one(FindingsView).current
        if row is not None and row.finding is not None:
            self.post_message(TryRequested(row.finding))


class FindingScreen(SessionScreen):
    """One finding with its evidence; each row of it leads to its place."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("t", "try", "try it", id="try")]

    def __init__(self, finding: Finding, read_source: ReadSource) -> None:
        super().__init__()
        self._row = FindingRow(finding.rule, finding.sentence, finding)
        """As it was found last."""
        self._read_source = read_source
        self._path = (PLACE, advice.rule_words(finding.rule))

    def compose_body(self) -> ComposeResult:
        yield BreadcrumbBar(id="breadcrumb")
        yield EvidenceView(id="evidence")
        yield LinesView(id="finding")

    def on_mount(self) -> None:
        super().on_mount()
        self.set_focus(self.query_one(EvidenceView))

    def on_resize(self) -> None:
        super().on_resize()
        self.call_after_refresh(self._draw)

    def show_body(self, view: SessionView) -> None:
        self._draw()

    def _draw(self) -> None:
        table, detail = self.query_one(EvidenceView), self.query_one("#finding", LinesView)
        if not table.size:
            return
        found = advice.find_row(self.findings, self._row.rule)
        self._row = row = found or self._row
        assert row.finding is not None
        self.query_one(BreadcrumbBar).show_path(self._path)
        table.border_title = with_keys(table, "Evidence: {open} leads to its place")
        table.border_subtitle = Content("" if found is not None else "not found any more")
        table.show_rows(row.finding.evidence)
        detail.border_title = Content(advice.rule_words(row.rule))
        detail.show_lines(advice.detail_lines(row, self.view, detail.room.width, command=True))

    def action_try(self) -> None:
        if self._row.finding is not None:
            self.post_message(TryRequested(self._row.finding))

    @on(TableView.Opened)
    def _open_place(self) -> None:
        row = self.query_one(EvidenceView).current
        if row is None:
            return
        pane, line = advice.pane_of(row.place), advice.line_of(row.place)
        if pane is not None:
            self.post_message(PaneRequested(pane))
        elif row.place == advice.PRIMITIVES:
            self.app.push_screen(PrimitivesScreen(self._path))
        elif row.place == advice.MEMORY:
            self.app.push_screen(MemoryScreen(self._path))
        elif line is not None:
            file = absolute_file(line[0], self.view.target.working_directory)
            self.app.push_screen(SourceCodeScreen(file, line[1], self._path, self._read_source))
        else:
            self._open_operator(row.place)

    def _open_operator(self, name: str) -> None:
        operator = next((one for one in self.view.operators.rows if one.key.name == name), None)
        if operator is None:
            reason = f"{name} is not in this window." if name else "This figure has no place of its own."
            self.notify(reason, timeout=3)
            return
        screen = OperatorScreen(operator, True, self._read_source)
        screen.place = self._path
        self.app.push_screen(screen)
