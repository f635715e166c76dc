"""Curves of samples over time, above one another, with their axes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from statistics import fmean, median

from profilednn_tui import units
from profilednn_tui.tui.renderables.line import Line
from profilednn_tui.tui.renderables.scale import axis
from profilednn_tui.tui.renderables.sparkline import area

_MS, _S, _MIN, _H = 1_000_000, 1_000_000_000, 60_000_000_000, 3_600_000_000_000
_ROUND_NS = (
    *(_MS * number for number in (100, 200, 500)),
    *(_S * number for number in (1, 2, 5, 10, 15, 30)),
    *(_MIN * number for number in (1, 2, 5, 10, 15, 30)),
    *(_H * number for number in (1, 2, 5, 10, 24, 48, 120, 240)),
)
_TICK_CELLS = 10
"""Least distance of two texts on a time axis."""
_PAUSE = 3.0
"""After this many usual intervals without a sample, the time since the one before is unknown."""


@dataclass(frozen=True, slots=True)
class Curve:
    """Samples from zero up to a ceiling, as a filled graph of two lines or more."""

    name: str
    values: tuple[float, ...]
    """One for each time."""
    ceiling: float
    ceiling_text: str
    """The ceiling with its unit."""
    role: str
    height: int


def curve_lines(times_unix_ns: Sequence[int], curves: Sequence[Curve], width: int) -> list[Line]:
    """The whole history, newest at the right, and one time axis below; a column is the mean of its time.

    There have to be two samples or more.
    """
    label_width = max(len(text) for curve in curves for text in (curve.name, curve.ceiling_text)) + 1
    columns = max(1, width - label_width)
    column_ns = _column_ns(times_unix_ns, columns)
    lines: list[Line] = []
    for curve in curves:
        graph = area(_means(times_unix_ns, curve.values, columns, column_ns), columns, curve.height, curve.ceiling)
        labels = [curve.ceiling_text, curve.name, *[""] * (curve.height - 2)]
        if curve.height > 2:
            labels[-1] = "0"
        lines += [
            ((f"{label:>{label_width - 1}} ", "muted"), (text, curve.role))
            for label, text in zip(labels, graph, strict=True)
        ]
    return [*lines, ((" " * label_width, ""), *axis("─" * columns, time_ticks(columns, column_ns)))]


def time_ticks(columns: int, column_ns: float) -> list[tuple[int, str]]:
    """Round ages by column, newest first; the right edge is the newest."""
    ticks = [(columns - 1, "0 s")]
    step_ns = next((one for one in _ROUND_NS if one >= _TICK_CELLS * column_ns), None)
    if step_ns is not None:
        ages_ns = range(step_ns, int(columns * column_ns), step_ns)
        ticks += [(columns - 1 - round(age_ns / column_ns), f"-{units.round_duration(age_ns)}") for age_ns in ages_ns]
    return [(cell, text) for cell, text in ticks if cell >= 0]


def interval_ns(times_unix_ns: Sequence[int]) -> float:
    """The usual time between two samples."""
    return max(1.0, median(later - earlier for earlier, later in pairwise(times_unix_ns)))


def _column_ns(times_unix_ns: Sequence[int], columns: int) -> int:
    """A round time, of at least a second, with which all samples fit unless there was a pause."""
    needed_ns = max(_S, interval_ns(times_unix_ns) * (len(times_unix_ns) - 1) / max(1, columns - 1))
    return next((one for one in _ROUND_NS if one >= needed_ns), _ROUND_NS[-1])


def _means(
    times_unix_ns: Sequence[int], values: Sequence[float], columns: int, column_ns: int
) -> tuple[float | None, ...]:
    """The mean of each column, oldest first; None where there is no sample.

    Columns begin at multiples of their time, so that they only move as a whole. A sample stands for the time since the
    one before.
    """
    last = times_unix_ns[-1] // column_ns
    most_ns = _PAUSE * interval_ns(times_unix_ns)
    found: list[list[float]] = [[] for _ in range(columns)]
    before_ns = times_unix_ns[0]
    for time_ns, value in zip(times_unix_ns, values, strict=True):
        column = columns - 1 - last + time_ns // column_ns
        covered = columns - last + before_ns // column_ns if 0 < time_ns - before_ns <= most_ns else column
        for cell in range(max(0, min(covered, column)), min(columns, column + 1)):
            found[cell].append(value)
        before_ns = time_ns
    return tuple(fmean(cell) if cell else None for cell in found)
