"""The flame graph of two sides as a widget."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from textual.binding import Binding, BindingType

from profilednn_tui.flame.difference import EMPTY, Difference, Judge, Layout, difference_of
from profilednn_tui.flame.tree import Node, Path, Shape
from profilednn_tui.protocol.vocabulary import PHASES
from profilednn_tui.session.view import SessionView
from profilednn_tui.tui.panels.flame import FlameView
from profilednn_tui.tui.present import difference as present
from profilednn_tui.tui.present.flame import Box
from profilednn_tui.tui.present.states import Message


class DifferenceView(FlameView):
    """All nodes of both sides; a key chooses whose widths they have."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("b", "layout", "before, after, both", id="sides")]

    def __init__(self, baseline: Sequence[SessionView], candidate: Sequence[SessionView], judge: Judge) -> None:
        super().__init__(Shape(), None)
        self.difference: Difference = EMPTY
        self.side = Layout.BOTH
        self._views = baseline, candidate
        self._judge = judge
        self._known: tuple[Shape, Difference] | None = None
        self.border_title = "Differences"

    @property
    def path(self) -> Path:
        """Of the node under the cursor."""
        box = self.current
        return box.path if box is not None else ()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        return False if action == "sandwich" else super().check_action(action, parameters)

    def make_graph(self) -> Node:
        if self._known is None or self._known[0] != self.shape:
            self._known = self.shape, difference_of(*self._views, self.shape, self._judge)
        self.difference = self._known[1]
        return self.difference.tree(self.side)

    def paint(self, box: Box) -> tuple[str, str]:
        return present.by_change(box, self.difference)

    def phases(self) -> Sequence[str]:
        there = {row.phase for side in self._views for view in side for row in view.operators.rows}
        return [phase for phase in PHASES if phase in there]

    def why_empty(self) -> Message:
        return present.difference_message()

    def action_layout(self) -> None:
        """Show the widths of the next side, or of both."""
        layouts = list(Layout)
        self.side = layouts[(layouts.index(self.side) + 1) % len(layouts)]
        self.grow()
