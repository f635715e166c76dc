"""Two sides next to each other: step times, operators, phases, memory, losses, modules."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical

from profilednn_tui.compare.comparison import Comparison
from profilednn_tui.compare.runs import Run, Side
from profilednn_tui.session.view import Operator, SessionView
from profilednn_tui.tui.keys import with_keys
from profilednn_tui.tui.panels.bars import BarView, BreadcrumbBar
from profilednn_tui.tui.panels.comparison import Figures, Losses, Notes, PartTable, StepTimes
from profilednn_tui.tui.panels.lines import LinesView
from profilednn_tui.tui.panels.table import TableView
from profilednn_tui.tui.present import comparison as present
from profilednn_tui.tui.present.comparison import PartRow
from profilednn_tui.tui.screens.base import SessionScreen
from profilednn_tui.tui.screens.difference import DifferenceScreen, ReadRunSource
from profilednn_tui.tui.screens.operator import OperatorScreen

WIDE = 110
"""Terminal width, in columns, from which several parts are shown at a time."""
LEFT = (present.STEPS, present.PHASES, present.FIGURES, present.LOSSES)
RIGHT = (present.OPERATORS, present.MODULES, present.NOTES)
"""One of these is shown at a time."""
LOW = 34
"""Terminal height, in lines, below which the left side has no room for the losses."""


class CompareScreen(SessionScreen):
    """A candidate against a baseline."""

    AUTO_FOCUS = f"#{present.OPERATORS}"
    BINDINGS: ClassVar[list[BindingType]] = [
        *(Binding(str(number), f"part({number})", f"part {number}: {name.replace('-', ' ')}", show=False,
                  id=f"part-{number}")
          for number, name in enumerate(present.PARTS, start=1)),
        Binding("z", "zoom_part", "maximize", id="maximize"),
        Binding("f", "differences", "differences as a flame graph", id="flame"),
        Binding("tab", "next_part", "next part", show=False, id="next-part"),
    ]  # fmt: skip

    def __init__(self, comparison: Comparison, read_source: ReadRunSource) -> None:
        super().__init__()
        self.comparison = comparison
        self._read_source = read_source
        self._chosen = present.OPERATORS
        self._right = present.OPERATORS
        self._zoomed = False

    def compose_body(self) -> ComposeResult:
        comparison = self.comparison
        yield BreadcrumbBar(id="breadcrumb")
        yield BarView(id="summary")
        with Horizontal(id="sides"):
            with Vertical(id="left"):
                yield StepTimes(comparison)
                yield PartTable(present.PHASES, "Phases", present.PHASE_COLUMNS, present.phase_rows(comparison), None)
                yield Figures(comparison)
                yield Losses(comparison)
            with Vertical(id="right"):
                yield PartTable(
                    present.OPERATORS,
                    "Operators",
                    present.OPERATOR_COLUMNS,
                    present.operator_rows(comparison),
                    "diff ms",
                )
                yield PartTable(
                    present.MODULES, "Modules", present.MODULE_COLUMNS, present.module_rows(comparison), "diff ms"
                )
                yield Notes(comparison)

    def on_mount(self) -> None:
        super().on_mount()
        self._arrange()
        operators = self.query_one(f"#{present.OPERATORS}", PartTable)
        operators.border_subtitle = with_keys(operators, "{open}: its lines on both sides")

    def on_resize(self) -> None:
        super().on_resize()
        self._arrange()
        self.call_after_refresh(self._show_summary)

    def show_body(self, view: SessionView) -> None:
        self._show_summary()

    def _show_summary(self) -> None:
        names = (self.comparison.baseline.name, self.comparison.candidate.name)
        self.query_one(BreadcrumbBar).show_path(("Compare", f"{names[1]} against {names[0]}"))
        self.query_one("#summary", BarView).show_lines(present.summary_lines(self.comparison, self.size.width))

    # ---------------------------------------------------------------- parts

    def _arrange(self) -> None:
        """Show the parts for which there is room."""
        alone = self._zoomed or self.size.width < WIDE
        visible = {self._chosen} if alone else {*LEFT, self._right}
        if not alone and self.size.height < LOW and self._chosen != present.LOSSES:
            visible.discard(present.LOSSES)
        for name in present.PARTS:
            self.query_one(f"#{name}").display = name in visible
        self.query_one("#left").display = bool(visible & {*LEFT})
        self.query_one("#right").display = bool(visible & {*RIGHT})
        self.set_class(alone, "-alone")

    def action_part(self, number: int) -> None:
        self._choose(present.PARTS[number - 1])

    def action_next_part(self) -> None:
        self._choose(present.PARTS[(present.PARTS.index(self._chosen) + 1) % len(present.PARTS)])

    def _choose(self, name: str) -> None:
        self._chosen = name
        if name in RIGHT:
            self._right = name
        self._arrange()
        self.set_focus(self.query_one(f"#{name}"))

    def on_descendant_focus(self) -> None:
        if isinstance(self.focused, LinesView) and self.focused.id in present.PARTS:
            self._chosen = self.focused.id

    def action_zoom_part(self) -> None:
        self._zoomed = not self._zoomed
        self._arrange()

    def action_differences(self) -> None:
        """Show where in the program the sides differ."""
        self.app.push_screen(DifferenceScreen(self.comparison, self._read_source))

    def go_back(self) -> None:
        if self._zoomed:
            self.action_zoom_part()
        else:
            super().go_back()

    # ---------------------------------------------------------------- drill down

    @on(TableView.Opened, f"#{present.OPERATORS}")
    def _open_operator(self, event: TableView.Opened) -> None:
        row: Any = event.row
        assert isinstance(row, PartRow)
        sides = (self.comparison.candidate, self.comparison.baseline)
        places = [place for side in sides if (place := _find(side, row)) is not None]
        self.app.push_screen(SideOperatorScreen(places, 0, self._read_source))


@dataclass(frozen=True, slots=True)
class SideOperator:
    """An operator in one of a side's runs."""

    side: str
    run: Run
    operator: Operator


def _find(side: Side, row: PartRow) -> SideOperator | None:
    """The operator in one of a side's runs, if any has it; its heaviest entry, as dtypes may differ."""
    found = (
        SideOperator(side.name, run, operator)
        for run in side.runs
        for operator in run.view.operators.rows
        if (operator.key.name, operator.key.input_shapes) == row.key
    )
    return next(found, None)


class SideOperatorScreen(OperatorScreen):
    """An operator as one side ran it; a key switches to the other side."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("tab", "other_side", "other side", priority=True, id="other-side")]

    def __init__(self, places: Sequence[SideOperator], shown: int, read_source: ReadRunSource) -> None:
        place = places[shown]
        super().__init__(place.operator, False, lambda file: read_source(place.run, file))
        self.pinned = place.run.view
        self.place = ("Compare", place.side)
        self._places = places
        self._number = shown
        self._read_from = read_source

    def action_other_side(self) -> None:
        if len(self._places) < 2:
            self.notify("The other side does not have this operator.", timeout=3)
        else:
            self.app.switch_screen(SideOperatorScreen(self._places, 1 - self._number, self._read_from))
