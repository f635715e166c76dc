"""The flame graph of the operators."""

from __future__ import annotations

from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType

from profilednn_tui.flame.tree import Kind, Label, Shape
from profilednn_tui.session.view import SessionView
from profilednn_tui.tui.feed import ReadSource
from profilednn_tui.tui.panels.bars import BarView, BreadcrumbBar
from profilednn_tui.tui.panels.flame import FlameView
from profilednn_tui.tui.present import flame as present
from profilednn_tui.tui.screens.base import EditRequested, SessionScreen
from profilednn_tui.tui.screens.source_code import SourceCodeScreen

OPERATORS = Shape()
"""Self time of all operators, by lines."""


class FlameScreen(SessionScreen):
    """Lines, modules and operators as wide as the time that is spent in them."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("e", "edit", "edit", id="edit")]

    def __init__(
        self, read_source: ReadSource, focus: Label | None = None, shape: Shape = OPERATORS, place: tuple[str, ...] = ()
    ) -> None:
        """The cursor begins at the largest node with the label `focus`; `place` is the path to this screen."""
        super().__init__()
        self._read_source = read_source
        self._focus = focus
        self._shape = shape
        self._place_of_screen = place

    def compose_body(self) -> ComposeResult:
        yield BreadcrumbBar(id="breadcrumb")
        yield BarView(id="flame-head")
        yield FlameView(self._shape, self._focus)

    def on_mount(self) -> None:
        super().on_mount()
        self.set_focus(self.query_one(FlameView))

    def on_resize(self) -> None:
        super().on_resize()
        self.call_after_refresh(lambda: self.query_one(FlameView).draw())

    def show_body(self, view: SessionView) -> None:
        self.query_one(BreadcrumbBar).show_path((*self._place_of_screen, "Flame graph"))
        self.query_one(FlameView).show_view(view)
        self._show_head()

    @on(FlameView.Changed)
    def _show_head(self) -> None:
        shown = self.query_one(FlameView)
        box = shown.current
        found = present.matched_share(shown.graph, shown.pattern) if shown.pattern is not None else None
        lines = present.head_lines(shown.graph, box.node if box is not None else None, shown.shape, found)
        self.query_one("#flame-head", BarView).show_lines(lines)

    @on(FlameView.Opened)
    def _open(self, event: FlameView.Opened) -> None:
        # Imported here: the operator's screen leads to this one.
        from profilednn_tui.tui.screens.operator import OperatorScreen

        label = event.label
        if label.kind is Kind.FRAME:
            screen = SourceCodeScreen(label.file, label.line, ("Flame graph",), self._read_source)
            screen.pinned = self.pinned
            self.app.push_screen(screen)
        elif label.kind is Kind.OPERATOR:
            row = next((row for row in self.view.operators.rows if row.key.name == label.name), None)
            if row is not None:
                operator = OperatorScreen(row, True, self._read_source)
                operator.pinned = self.pinned
                self.app.push_screen(operator)
        else:
            self.query_one(FlameView).action_zoom()

    @property
    def operator_in_focus(self) -> str:
        box = self.query_one(FlameView).current
        return box.node.label.name if box is not None and box.node.label.kind is Kind.OPERATOR else ""

    def action_edit(self) -> None:
        box = self.query_one(FlameView).current
        if box is not None and box.node.label.file:
            label = box.node.label
            self.post_message(EditRequested(self._read_source(label.file), label.line))

    def go_back(self) -> None:
        if not self.query_one(FlameView).zoom_out():
            super().go_back()
