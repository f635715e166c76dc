"""One operator: its figures, its call sites, and their source code."""

from __future__ import annotations

from collections.abc import Hashable
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Container

from profilednn_tui.flame.tree import operator_label
from profilednn_tui.session.operator_rows import find_operator
from profilednn_tui.session.view import Operator, OperatorKey, Operators, Primitives, SessionView
from profilednn_tui.session.words import operator_text
from profilednn_tui.tui.feed import ReadSource
from profilednn_tui.tui.panels.bars import BarView, BreadcrumbBar
from profilednn_tui.tui.panels.source_code import SourceCodeView
from profilednn_tui.tui.panels.table import TableView
from profilednn_tui.tui.present import stacks
from profilednn_tui.tui.present.operator import no_stacks_message, summary_lines
from profilednn_tui.tui.present.primitives import log_of, summary_line
from profilednn_tui.tui.present.stacks import Path, StackRow
from profilednn_tui.tui.screens.base import EditRequested, SessionScreen
from profilednn_tui.tui.screens.flame import FlameScreen
from profilednn_tui.tui.screens.primitives import PrimitivesScreen
from profilednn_tui.tui.screens.source_code import SourceCodeScreen


class StacksView(TableView[StackRow]):
    """The merged call stacks as a tree."""

    COLUMNS = stacks.COLUMNS
    BINDINGS: ClassVar[list[BindingType]] = [Binding("t", "library", "torch frames", id="library")]

    def __init__(self) -> None:
        super().__init__(id="stacks")
        self.border_title = "Called from"
        self._operator: Operator | None = None
        self._folded: set[Path] = set()
        self._library = False

    def show_operator(self, operator: Operator, operators: Operators) -> None:
        self._operator = operator
        rows = stacks.stack_rows(operator, self._library, self._folded)
        if not rows:
            self.show_message(no_stacks_message(operators))
            return
        first = not self.rows
        self.show_rows(rows)
        if first:
            # The innermost frame of the heaviest path is the one users look for.
            self.move_cursor(next((index for index, row in enumerate(rows) if not row.parent), 0))
        forward = stacks.has_forward_origin(operator)
        self.border_title = "Created in the forward pass at" if forward else "Called from"
        self.border_subtitle = "all frames" if self._library else "frames of torch and Python hidden"

    def _again(self) -> None:
        if self._operator is not None:
            self.show_rows(stacks.stack_rows(self._operator, self._library, self._folded))
            self.border_subtitle = "all frames" if self._library else "frames of torch and Python hidden"

    def key_of(self, row: StackRow) -> Hashable:
        return row.key

    def row_text(self, row: StackRow) -> str:
        return stacks.search_text(row)

    def copy_text(self, row: StackRow) -> str:
        return stacks.copy_text(row)

    def action_aside(self, step: int) -> None:
        row = self.current
        if row is None or not row.parent:
            return
        if step > 0:
            self._folded.discard(row.key)
        else:
            self._folded.add(row.key)
        self._again()

    def action_library(self) -> None:
        self._library = not self._library
        self.cursor = 0
        self._again()
        self.post_message(self.Moved(self, self.current))


class OperatorScreen(SessionScreen):
    """From an operator to the lines behind it."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("e", "edit", "edit", id="edit"),
        Binding("d", "primitives", "oneDNN", id="primitives"),
        Binding("f", "flame", "flame graph", id="flame"),
    ]
    HORIZONTAL_BREAKPOINTS = [(0, "-narrow"), (150, "-wide")]  # noqa: RUF012 (textual declares it without ClassVar)
    VERTICAL_BREAKPOINTS = [(0, "-low"), (28, "-high")]  # noqa: RUF012

    def __init__(self, operator: Operator, merged: bool, read_source: ReadSource, module: str | None = None) -> None:
        """With `module`, only the operator's part in that module is shown."""
        super().__init__()
        self._key = operator.key
        self._backward = operator.backward
        self._merged = merged
        self._read_source = read_source
        self._shown: tuple[Operators, Primitives] | None = None
        self._module = module
        self.place: tuple[str, ...] = ("Operators", module) if module else ("Operators",)
        """The path to this screen, for the breadcrumb."""

    def compose_body(self) -> ComposeResult:
        yield BreadcrumbBar(id="breadcrumb")
        yield BarView(id="summary")
        with Container(id="drill"):
            yield StacksView()
            yield SourceCodeView(id="preview")

    def on_mount(self) -> None:
        super().on_mount()
        self.query_one("#preview", SourceCodeView).can_focus = False
        self.set_focus(self.query_one(StacksView))

    def on_resize(self) -> None:
        super().on_resize()
        self._shown = None
        self.call_after_refresh(self._draw)

    def show_body(self, view: SessionView) -> None:
        self._draw()

    def _draw(self) -> None:
        operators = self.view.operators
        stacks_view = self.query_one(StacksView)
        primitives = self.view.primitives
        known = self._shown
        if not stacks_view.size or (known and known[0] is operators and known[1] is primitives):
            return
        self.query_one(BreadcrumbBar).show_path((*self.place, operator_text(self._key.name)))
        operator = find_operator(operators, self._key, self._backward, self._merged, self._module)
        if operator is None:
            summary = self.query_one("#summary", BarView)
            summary.show_lines([((" Not in this window.", "muted"),)])
            return
        self._shown = operators, primitives
        ran = log_of(primitives, self._keys(operators))
        lines = summary_lines(operator, self.size.width)
        below = summary_line(ran, len(primitives.windows)) if ran.uses else ()
        self.query_one("#summary", BarView).show_lines([*lines, below])
        stacks_view.show_operator(operator, operators)
        self.call_after_refresh(self._preview)

    def _keys(self, operators: Operators) -> tuple[OperatorKey, ...]:
        """The operator, or with merged shapes all operators of its name."""
        if not self._merged:
            return (self._key,)
        return tuple(row.key for row in operators.rows if row.key.name == self._key.name)

    @property
    def operator_in_focus(self) -> str:
        return self._key.name

    def action_primitives(self) -> None:
        self.app.push_screen(PrimitivesScreen(("Operators", operator_text(self._key.name)), self._keys))

    def action_flame(self) -> None:
        place = (*self.place, operator_text(self._key.name))
        screen = FlameScreen(self._read_source, operator_label(self._key), place=place)
        screen.pinned = self.pinned
        self.app.push_screen(screen)

    @on(TableView.Moved, "#stacks")
    def _preview(self) -> None:
        preview = self.query_one("#preview", SourceCodeView)
        row = self.query_one(StacksView).current
        if row is None or not preview.size:
            return
        frame = row.frame
        if preview.file != frame.file or not preview.code:
            preview.show_code(self._read_source(frame.file), self.view.operators)
        preview.show_line(frame.line)

    @on(TableView.Opened, "#stacks")
    def _open_source(self) -> None:
        row = self.query_one(StacksView).current
        if row is not None:
            path = (*self.place, operator_text(self._key.name))
            screen = SourceCodeScreen(row.frame.file, row.frame.line, path, self._read_source)
            screen.pinned = self.pinned
            self.app.push_screen(screen)

    def action_edit(self) -> None:
        row = self.query_one(StacksView).current
        if row is not None:
            self.post_message(EditRequested(self._read_source(row.frame.file), row.frame.line))
