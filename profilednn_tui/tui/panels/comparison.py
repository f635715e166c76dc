"""The parts of the compare screen."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from typing import Any

from textual import events

from profilednn_tui.compare.comparison import Comparison
from profilednn_tui.tui.panels.lines import LinesView
from profilednn_tui.tui.panels.table import TableView
from profilednn_tui.tui.present import comparison as present
from profilednn_tui.tui.present.comparison import PartRow, RunRow
from profilednn_tui.tui.present.states import Message
from profilednn_tui.tui.present.table import Column, SortOrder
from profilednn_tui.tui.renderables.line import Line


class Part(LinesView):
    """Lines about a comparison, fitted to the available size."""

    DEFAULT_CLASSES = "part"

    def __init__(self, name: str, title: str, comparison: Comparison) -> None:
        super().__init__(id=name)
        self.border_title = f"{present.PARTS.index(name) + 1} {title}"
        self.comparison = comparison

    def lines_for(self, width: int, height: int) -> Sequence[Line]:
        raise NotImplementedError

    def on_resize(self, event: events.Resize) -> None:
        self.show_lines(self.lines_for(self.room.width, self.room.height))


class StepTimes(Part):
    """Both distributions over one axis."""

    def __init__(self, comparison: Comparison) -> None:
        super().__init__(present.STEPS, "Step times, ms", comparison)

    def lines_for(self, width: int, height: int) -> Sequence[Line]:
        return present.distribution_lines(self.comparison, width, height)


class Figures(Part):
    """Memory, faults, processors."""

    def __init__(self, comparison: Comparison) -> None:
        super().__init__(present.FIGURES, "Memory and processors", comparison)

    def lines_for(self, width: int, height: int) -> Sequence[Line]:
        return present.figure_lines(self.comparison, width)


class Losses(Part):
    """Both loss curves."""

    def __init__(self, comparison: Comparison) -> None:
        super().__init__(present.LOSSES, "Losses", comparison)

    def lines_for(self, width: int, height: int) -> Sequence[Line]:
        return present.loss_lines(self.comparison, width, height)


class Notes(Part):
    """Reasons and notes."""

    def __init__(self, comparison: Comparison) -> None:
        super().__init__(present.NOTES, "Notes", comparison)
        count = len(comparison.verdict.reasons) + len(comparison.notes) + (comparison.certificate is not None)
        self.border_title = f"{self.border_title} ({count})"

    def lines_for(self, width: int, height: int) -> Sequence[Line]:
        return present.note_lines(self.comparison, width)


class PartTable(TableView[PartRow]):
    """Operators, modules or phases of both sides, the largest difference first."""

    DEFAULT_CLASSES = "part"

    def __init__(
        self, name: str, title: str, columns: Sequence[Column[Any]], rows: Sequence[PartRow], order: str | None
    ) -> None:
        self.COLUMNS = columns
        self.FIRST_ORDER = SortOrder(order) if order is not None else None
        super().__init__(id=name)
        self.border_title = f"{present.PARTS.index(name) + 1} {title}"
        self._parts = tuple(rows)

    def on_resize(self, event: events.Resize) -> None:
        if self._parts:
            self.show_rows(self._parts)
        else:
            message = Message("Nothing to compare", ("Both sides need a recorded window: a longer run has one.",))
            self.show_message(message)

    def key_of(self, row: PartRow) -> Hashable:
        return row.key

    def row_text(self, row: PartRow) -> str:
        return present.part_text(row)

    def copy_text(self, row: PartRow) -> str:
        return present.part_copy(row)


class RunTable(TableView[RunRow]):
    """Runs with the outcome of the comparison with each."""

    DEFAULT_CLASSES = "part"

    def __init__(self, other: str) -> None:
        self.COLUMNS = present.run_columns(other)
        super().__init__(id="runs")

    def key_of(self, row: RunRow) -> Hashable:
        return row.key

    def row_text(self, row: RunRow) -> str:
        return f"{row.name} {row.variant}"

    def copy_text(self, row: RunRow) -> str:
        verdict = row.verdict.outcome.value if row.verdict is not None else row.failure
        return "\t".join((row.name, row.variant, verdict, row.losses))
