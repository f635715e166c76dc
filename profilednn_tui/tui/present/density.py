"""Fast steps as a density: how many steps of a stretch of time took how long."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from math import ceil

from profilednn_tui import units
from profilednn_tui.session.model.step_times import SLOT_NS, SlotSeries
from profilednn_tui.session.step_times import SLOT_BINS_PER_OCTAVE, StepSlot, bin_of, edge_ns
from profilednn_tui.session.view import Steps
from profilednn_tui.tui.renderables.line import Line, merge

SHADES = "·░▒▓█"
_USUAL_ROWS = 4
"""The darkest shade is for a cell that holds one part in so many of the steps of a column."""


def slots_of(steps: Steps, column_ns: int, columns: int) -> tuple[StepSlot | None, ...]:
    """The newest columns of this length, oldest first; None where no step has ended.

    Columns begin at multiples of their length, so that they only move as a whole. They come from the newest steps, or
    from the slots that are kept if these go back further.
    """
    series = SlotSeries(column_ns, columns)
    kept, ends = steps.times.slots, steps.end_unix_ns
    before_ns = (columns - 1) * column_ns
    if column_ns >= SLOT_NS and kept and kept[0].begin_unix_ns < ends[0]:
        for slot in kept[
            _since(kept[-1].begin_unix_ns - before_ns, [slot.begin_unix_ns for slot in kept], column_ns) :
        ]:
            series.add_slot(slot)
    else:
        for index in range(_since(ends[-1] - before_ns, ends, column_ns), len(ends)):
            slot_bin = bin_of(steps.durations_ns[index], SLOT_BINS_PER_OCTAVE)
            series.add(
                steps.numbers[index], steps.end_unix_ns[index], slot_bin, steps.flags[index], steps.losses[index]
            )
    slots = series.view()
    by_column = {(slots[-1].begin_unix_ns - slot.begin_unix_ns) // column_ns: slot for slot in slots}
    return tuple(by_column.get(age) for age in range(columns - 1, -1, -1))


def _since(unix_ns: int, times_unix_ns: Sequence[int], column_ns: int) -> int:
    """The index of the first time in the column of a moment, or after it; the last one if the clock was set back."""
    return min(bisect_left(times_unix_ns, unix_ns - unix_ns % column_ns), len(times_unix_ns) - 1)


def shade_limits(steps_per_column: int) -> tuple[int, ...]:
    """From how many steps on a cell has each of the shades, for columns of about so many steps."""
    ratio = (steps_per_column / _USUAL_ROWS) ** (1 / (len(SHADES) - 1))
    return tuple(max(level + 1, round(ratio**level)) for level in range(len(SHADES)))


def shade_legend(steps_per_column: int) -> str:
    """``· 1 ░ 2 ▒ 6 ▓ 13 █ 32``"""
    limits = shade_limits(steps_per_column)
    return " ".join(f"{shade} {units.count(limit)}" for shade, limit in zip(SHADES, limits, strict=True))


def density_lines(
    slots: Sequence[StepSlot | None], steps_per_column: int, height: int
) -> tuple[tuple[Line, ...], tuple[float, ...]]:
    """The rows, topmost first, and the step times at their edges, from the upper edge of the first row downwards.

    Rows are equally high on a logarithmic scale that holds all steps.
    """
    bins = [number for slot in slots if slot is not None for number in slot.counts]
    lowest, rows_bins = _rows(min(bins), max(bins), height)
    limits = shade_limits(steps_per_column)
    columns = [_column(slot, lowest, rows_bins, height, limits) for slot in slots]
    lines = tuple(merge((column[row], "primary") for column in columns) for row in range(height - 1, -1, -1))
    edges = tuple(edge_ns(lowest + row * rows_bins, SLOT_BINS_PER_OCTAVE) for row in range(height, -1, -1))
    return lines, edges


def _rows(low: int, high: int, height: int) -> tuple[int, int]:
    """The lowest bin, and how many bins share a row: as few as possible, the same number everywhere."""
    each = ceil((high + 1 - low) / height)
    while low - low % each + each * height <= high:
        each += 1
    lowest = low - low % each
    spare = (lowest + each * height - 1 - high) // each
    return lowest - spare // 2 * each, each


def _column(slot: StepSlot | None, lowest: int, rows_bins: int, height: int, limits: Sequence[int]) -> Sequence[str]:
    if slot is None:
        return " " * height
    counts = [0] * height
    for number, count in slot.counts.items():
        counts[(number - lowest) // rows_bins] += count
    return [SHADES[bisect_right(limits, count) - 1] if count else " " for count in counts]
