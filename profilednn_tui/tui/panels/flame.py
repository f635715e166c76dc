"""The flame graph as a widget: boxes in rows, of which one is under the cursor."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import ClassVar

from textual import events
from textual.binding import Binding, BindingType
from textual.message import Message as WidgetMessage

from profilednn_tui.flame.tree import Label, Node, Path, Shape, Weight, flame_tree, path_to, sandwich
from profilednn_tui.protocol.vocabulary import PHASES
from profilednn_tui.session.view import SessionView
from profilednn_tui.tui.panels.lines import LinesView
from profilednn_tui.tui.present import flame as present
from profilednn_tui.tui.present.flame import CALLEES, Box, Row
from profilednn_tui.tui.present.states import Message

_EMPTY = flame_tree(SessionView().operators, SessionView().primitives, Shape())


class FlameView(LinesView):
    """An icicle: what leads to operators on top, operators at the ends; or the sandwich of one node."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "open", "open", id="open"),
        Binding("z", "zoom", "zoom", id="zoom"),
        Binding("x", "sandwich", "callers and callees", id="callers"),
        Binding("m", "modules", "by module", id="by-module"),
        Binding("t", "library", "torch frames", id="library"),
        Binding("d", "phase", "one phase", id="phase"),
        Binding("<,comma", "weight(-1)", "previous weight", key_display="<", show=False, id="previous-weight"),
        Binding(">,full_stop", "weight(1)", "next weight", key_display=">", show=False, id="next-weight"),
    ]

    class Opened(WidgetMessage):
        """The user pressed Enter on a node, or double-clicked it."""

        def __init__(self, label: Label) -> None:
            super().__init__()
            self.label = label

    class Changed(WidgetMessage):
        """Another node is under the cursor, or another graph is shown."""

    def __init__(self, shape: Shape, focus: Label | None) -> None:
        """The cursor begins at the largest node with the label `focus`."""
        super().__init__(id="flame")
        self.shape = shape
        self.graph: Node = _EMPTY
        self._view = SessionView()
        self._graphs: dict[Shape, Node] = {}
        """Of this view, as far as they were shown."""
        self._focus = focus
        self._zoom: Path = ()
        self._middle: Label | None = None
        """Of the sandwich that is shown instead."""
        self._sides: tuple[Node, Node] = _EMPTY, _EMPTY
        self._rows: tuple[Row, ...] = ()
        self._key: tuple[str, Path] = CALLEES, ()
        self._everyone: list[tuple[Path, Node]] | None = None
        self.border_title = "Flame graph"

    # ---------------------------------------------------------------- graph

    @property
    def current(self) -> Box | None:
        """The box under the cursor."""
        return next((box for row in self._rows for box in row if box.key == self._key), None)

    def show_view(self, view: SessionView) -> None:
        """Draw the operators of a view; what is under the cursor stays there."""
        if view.operators is not self._view.operators or view.primitives is not self._view.primitives or not self._rows:
            self._view = view
            self._graphs.clear()
            self.grow()

    def make_graph(self) -> Node:
        """The tree to draw."""
        graph = self._graphs.get(self.shape)
        if graph is None:
            graph = self._graphs[self.shape] = flame_tree(self._view.operators, self._view.primitives, self.shape)
        return graph

    def paint(self, box: Box) -> tuple[str, str]:
        """The role of a box, and what is written before its label."""
        return present.by_phase(box)

    def phases(self) -> Sequence[str]:
        """The phases that operators are in."""
        there = {row.phase for row in self._view.operators.rows}
        return [phase for phase in PHASES if phase in there]

    def why_empty(self) -> Message:
        """Why there is no graph."""
        return present.flame_message(self._view.operators, self.shape)

    def grow(self) -> None:
        """Make the graph again; what is under the cursor stays there."""
        self.graph = self.make_graph()
        self._everyone = None
        if self._focus is not None and self.graph.value:
            path, self._focus = path_to(self.graph, self._focus), None
            self._key = CALLEES, path
        while self.graph.at(self._zoom) is None:
            self._zoom = self._zoom[:-1]
        if self._middle is not None:
            self._sides = sandwich(self.graph, self._middle)
        self.draw()

    def draw(self) -> None:
        """Lay the boxes out again, for the width that there is."""
        width = self.room.width
        if not width:
            return
        if not self.graph.value:
            self._rows = ()
            self.show_message(self.why_empty())
        else:
            if self._middle is not None:
                self._rows = present.sandwich_rows(*self._sides, width)
            else:
                self._rows = present.icicle_rows(self.graph, self._zoom, width)
            while self.current is None and self._key[1]:
                self._key = self._key[0], self._key[1][:-1]
            if self.current is None:
                self._key = CALLEES, self._zoom if self._middle is None else ()
            self._paint()
            self._bring_into_view()
        self.post_message(self.Changed())

    def _paint(self) -> None:
        self.show_lines(present.flame_lines(self._rows, self._key, self.pattern, self.room.width, self.paint))

    def _place(self) -> tuple[int, int]:
        """Row and column of the box under the cursor."""
        return next(
            ((number, column) for number, row in enumerate(self._rows) for column, box in enumerate(row)
             if box.key == self._key), (0, 0),
        )  # fmt: skip

    def _move_to(self, box: Box) -> None:
        if box.key != self._key:
            self._key = box.key
            self._paint()
            self._bring_into_view()
            self.post_message(self.Changed())

    def _bring_into_view(self) -> None:
        row, top, height = self._place()[0], self.scroll_offset.y, max(1, self.room.height)
        if not top <= row < top + height:
            self.scroll_lines(y=row if row < top else row - height + 1)

    # ---------------------------------------------------------------- keys

    def action_move(self, step: int) -> None:
        row, column = self._place()
        if not self._rows:
            super().action_move(step)
        elif 0 <= row + step < len(self._rows):
            middle = self._rows[row][column].x + self._rows[row][column].width / 2
            self._move_to(min(self._rows[row + step], key=lambda box: abs(box.x + box.width / 2 - middle)))

    def action_aside(self, step: int) -> None:
        if self._rows:
            row, column = self._place()
            self._move_to(self._rows[row][max(0, min(len(self._rows[row]) - 1, column + step))])

    def action_edge(self, step: int) -> None:
        if self._rows:
            self._move_to(self._rows[0 if step < 0 else -1][0])

    def action_open(self) -> None:
        box = self.current
        if box is not None:
            self.post_message(self.Opened(box.node.label))

    def action_zoom(self) -> None:
        """Give the node under the cursor the whole width."""
        box = self.current
        if self._middle is None and box is not None and box.path != self._zoom:
            self._zoom = box.path
            self.draw()

    def zoom_out(self) -> bool:
        """Leave the sandwich, or go one level up; False if the whole graph is shown already."""
        if self._middle is not None:
            path, self._middle = path_to(self.graph, self._middle), None
            self._key = CALLEES, path
        elif self._zoom:
            self._zoom = ()
        else:
            return False
        self.draw()
        return True

    def action_sandwich(self) -> None:
        """Show who leads to the nodes that are called like the one under the cursor, and what they lead to."""
        box = self.current
        if box is None or not box.path:
            self.zoom_out()
            return
        self._middle = box.node.label
        self._sides = sandwich(self.graph, self._middle)
        self._key = CALLEES, ()
        self.draw()

    def _reshape(self, shape: Shape) -> None:
        box = self.current
        self._focus = box.node.label if box is not None and box.path else None
        self.shape, self._zoom, self._middle = shape, (), None
        self.grow()

    def action_modules(self) -> None:
        self._reshape(replace(self.shape, by_module=not self.shape.by_module))

    def action_library(self) -> None:
        self._reshape(replace(self.shape, libraries=not self.shape.libraries))

    def action_weight(self, step: int) -> None:
        weights = list(Weight)
        self._reshape(replace(self.shape, weight=weights[(weights.index(self.shape.weight) + step) % len(weights)]))

    def action_phase(self) -> None:
        """Show the next phase alone that has operators, and after the last one all of them."""
        phases = ["", *self.phases()]
        place = phases.index(self.shape.phase) if self.shape.phase in phases else 0
        self._reshape(replace(self.shape, phase=phases[(place + 1) % len(phases)]))

    def action_copy(self) -> None:
        box = self.current
        if box is not None:
            labels = (*reversed(box.path), self._middle) if self._middle is not None else box.path
            text = "\n".join(present.search_text(label) for label in labels if label is not None)
            self.post_message(self.Copied(text, "the path"))

    # ---------------------------------------------------------------- search

    def _all_nodes(self) -> list[tuple[Path, Node]]:
        if self._everyone is None:
            self._everyone = list(self.graph.walk())
        return self._everyone

    def search_texts(self) -> Sequence[str]:
        return [present.search_text(node.label) for _, node in self._all_nodes()]

    def search_position(self) -> int:
        part, path = self._key
        return next((index for index, (one, _) in enumerate(self._all_nodes()) if one == path and part == CALLEES), 0)

    def go_to(self, index: int) -> None:
        """Put the cursor on a node, zoomed in until it has a cell."""
        if index >= len(self._all_nodes()):
            return
        path, _ = self._all_nodes()[index]
        self._middle, self._key = None, (CALLEES, path)
        if path[: len(self._zoom)] != self._zoom:
            self._zoom = ()
        rows = present.icicle_rows(self.graph, self._zoom, self.room.width)
        if not any(box.path == path for row in rows for box in row):
            self._zoom = path[:-1]
            rows = present.icicle_rows(self.graph, self._zoom, self.room.width)
            if not any(box.path == path for row in rows for box in row):
                self._zoom = path
        self.draw()

    def search(self, text: str) -> None:
        super().search(text)
        self._show_matches()

    def clear_search(self) -> None:
        super().clear_search()
        self._show_matches()

    def _show_matches(self) -> None:
        if self._rows:
            self._paint()
        self.post_message(self.Changed())

    # ---------------------------------------------------------------- mouse

    def on_click(self, event: events.Click) -> None:
        row, column = self.clicked(event) or (-1, 0)
        if not 0 <= row < len(self._rows):
            return
        event.stop()
        for box in self._rows[row]:
            if box.x <= column < box.x + box.width:
                self._move_to(box)
                if event.chain == 2:
                    self.action_zoom()
