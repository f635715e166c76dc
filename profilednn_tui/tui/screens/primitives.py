"""The primitives that oneDNN ran per step, in total or inside one operator."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType

from profilednn_tui.onednn.breakdown import By
from profilednn_tui.session.view import OperatorKey, Operators, Primitives, SessionView
from profilednn_tui.tui.keys import with_keys
from profilednn_tui.tui.panels.bars import BarView, BreadcrumbBar
from profilednn_tui.tui.panels.table import TableView
from profilednn_tui.tui.present import primitives
from profilednn_tui.tui.present.primitives import PrimitiveRow
from profilednn_tui.tui.screens.base import SessionScreen


class PrimitivesView(TableView[PrimitiveRow]):
    """The groups of a breakdown."""

    COLUMNS = primitives.COLUMNS

    def key_of(self, row: PrimitiveRow) -> Hashable:
        return row.by, row.group.label

    def row_text(self, row: PrimitiveRow) -> str:
        return row.name

    def copy_text(self, row: PrimitiveRow) -> str:
        return primitives.copy_text(row)


class PrimitivesScreen(SessionScreen):
    """The breakdown of oneDNN's time; one key changes what it groups by."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("b", "group", "group by", id="group")]

    def __init__(
        self,
        path: tuple[str, ...] = (),
        operators: Callable[[Operators], tuple[OperatorKey, ...]] | None = None,
    ) -> None:
        """`operators` chooses the operators whose primitives are shown; None for all primitives."""
        super().__init__()
        self._path = (*path, "oneDNN primitives")
        self._operators = operators
        self._by = By.DIRECTION if operators is None else By.IMPLEMENTATION
        self._shown: Primitives | None = None

    def compose_body(self) -> ComposeResult:
        yield BreadcrumbBar(id="breadcrumb")
        yield BarView(id="primitives-summary")
        yield PrimitivesView(id="primitives")

    def on_mount(self) -> None:
        super().on_mount()
        self.set_focus(self.query_one(PrimitivesView))

    def on_resize(self) -> None:
        super().on_resize()
        self._shown = None
        self.call_after_refresh(self._draw)

    def show_body(self, view: SessionView) -> None:
        self._draw()

    def action_group(self) -> None:
        """Switch to the next grouping."""
        groupings = list(By)
        self._by = groupings[(groupings.index(self._by) + 1) % len(groupings)]
        self._shown = None
        self._draw()

    def _draw(self) -> None:
        known = self.view.primitives
        table = self.query_one(PrimitivesView)
        if known is self._shown or not table.size:
            return
        self._shown = known
        self.query_one(BreadcrumbBar).show_path(self._path)
        windows = len(known.windows)
        chosen = self._operators(self.view.operators) if self._operators is not None else None
        log = primitives.log_of(known, chosen)
        self.query_one("#primitives-summary", BarView).show_lines([primitives.summary_line(log, windows)])
        table.border_title = f"By {primitives.heading(self._by)}"
        rows = primitives.primitive_rows(log, windows, self._by)
        table.border_subtitle = (
            f"{len(log.uses):,} distinct primitives · {windows} windows · {with_keys(self, '{group}: next grouping')}"
        )
        if rows:
            table.show_rows(rows)
            return
        notice = next((one.text for one in self.view.notices if one.code == "no_primitives"), None)
        if windows:
            notice = "it runs none, or none in these windows"
        table.show_message(primitives.no_primitives_message(notice))
