"""Pane 2: the operators, hottest first."""

from __future__ import annotations

from collections.abc import Hashable
from typing import ClassVar

from textual.binding import Binding, BindingType

from profilednn_tui.session.operator_rows import rated_operators
from profilednn_tui.session.view import SessionView
from profilednn_tui.tui.panels.pane import Pane
from profilednn_tui.tui.panels.table import TableView
from profilednn_tui.tui.present import dashboard, operators
from profilednn_tui.tui.present.operators import OperatorRow
from profilednn_tui.tui.present.states import Message, operators_message
from profilednn_tui.tui.present.table import SortOrder


class OperatorsPane(Pane, TableView[OperatorRow]):
    """The operator table, of the whole model or of one module."""

    NAME = dashboard.OPERATORS
    TITLE = "Operators"
    COLUMNS = operators.COLUMNS
    BINDINGS: ClassVar[list[BindingType]] = [Binding("m", "merge", "merge shapes", id="merge-shapes")]
    FIRST_ORDER = SortOrder("self ms")

    def __init__(self) -> None:
        super().__init__()
        self.module: str | None = None
        self.merged = False
        """Whether calls with different input shapes are one row."""

    def show_module(self, module: str | None) -> None:
        """Show only the operators of a module, or all."""
        self.module = module
        self.cursor = 0
        self.update(force=True)

    def action_merge(self) -> None:
        self.merged = not self.merged
        self.cursor = 0
        self.update(force=True)

    def heading(self) -> str:
        return super().heading() + (f" › {self.module}" if getattr(self, "module", None) else "")

    def records(self, view: SessionView) -> tuple[object, ...]:
        return (view.operators, view.primitives, view.peaks) if view.operators.rows else (view,)

    def message(self, view: SessionView) -> Message | None:
        return operators_message(view)

    def draw(self, view: SessionView) -> None:
        rated = rated_operators(view.operators, self.module, self.merged, view.primitives, view.peaks)
        self.show_rows(operators.operator_rows(rated))

    def note(self, view: SessionView) -> str:
        return operators.note(view.operators, len(self.rows))

    def key_of(self, row: OperatorRow) -> Hashable:
        return row.key if not self.merged else (row.key.name, row.operator.backward)

    def row_text(self, row: OperatorRow) -> str:
        return operators.search_text(row)

    def copy_text(self, row: OperatorRow) -> str:
        return operators.copy_text(row)
