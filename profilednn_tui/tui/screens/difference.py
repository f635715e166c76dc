"""The flame graph of two sides: what takes longer, and what less."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from textual import on
from textual.app import ComposeResult

from profilednn_tui.compare.comparison import Comparison, judge_nodes, profiled_views
from profilednn_tui.compare.runs import Run
from profilednn_tui.flame.tree import Kind
from profilednn_tui.session.open_session import SourceFile
from profilednn_tui.session.view import SessionView
from profilednn_tui.tui.panels.bars import BarView, BreadcrumbBar
from profilednn_tui.tui.panels.difference import DifferenceView
from profilednn_tui.tui.present import difference as present
from profilednn_tui.tui.screens.base import SessionScreen
from profilednn_tui.tui.screens.source_code import SourceCodeScreen

ReadRunSource = Callable[[Run, str], SourceFile]


class DifferenceScreen(SessionScreen):
    """Lines, modules and operators of a candidate against those of a baseline."""

    def __init__(self, comparison: Comparison, read_source: ReadRunSource) -> None:
        super().__init__()
        self._comparison = comparison
        self._read_source = read_source

    def compose_body(self) -> ComposeResult:
        yield BreadcrumbBar(id="breadcrumb")
        yield BarView(id="difference-head")
        baseline, candidate = map(profiled_views, (self._comparison.baseline, self._comparison.candidate))
        yield DifferenceView(baseline, candidate, partial(judge_nodes, self._comparison))

    def on_mount(self) -> None:
        super().on_mount()
        self.set_focus(self.query_one(DifferenceView))
        self.call_after_refresh(self.query_one(DifferenceView).grow)

    def on_resize(self) -> None:
        super().on_resize()
        self.call_after_refresh(lambda: self.query_one(DifferenceView).draw())

    def show_body(self, view: SessionView) -> None:
        self.query_one(BreadcrumbBar).show_path(("Compare", "Differences"))
        self._show_head()

    @on(DifferenceView.Changed)
    def _show_head(self) -> None:
        shown, comparison = self.query_one(DifferenceView), self._comparison
        box = shown.current
        names = comparison.baseline.name, comparison.candidate.name
        lines = present.head_lines(
            shown.difference,
            shown.path,
            box.node if box is not None else None,
            shown.shape,
            shown.side,
            names,
            self.size.width,
        )
        self.query_one("#difference-head", BarView).show_lines(lines)

    @on(DifferenceView.Opened)
    def _open(self, event: DifferenceView.Opened) -> None:
        label = event.label
        if label.kind is not Kind.FRAME:
            self.query_one(DifferenceView).action_zoom()
            return
        run = self._comparison.candidate.runs[0]
        screen = SourceCodeScreen(
            label.file, label.line, ("Compare", "Differences"), lambda file: self._read_source(run, file)
        )
        screen.pinned = run.view
        self.app.push_screen(screen)

    def go_back(self) -> None:
        if not self.query_one(DifferenceView).zoom_out():
            super().go_back()
