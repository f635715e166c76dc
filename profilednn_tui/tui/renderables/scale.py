"""Axes: where they end, and how they are drawn."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

from profilednn_tui.tui.renderables.line import Line, merge

_STEPS = (1.0, 1.2, 1.5, 2.0, 2.5, 3.0, 4.0, 5.0, 6.0, 8.0, 10.0)


def nice_ceiling(value: float) -> float:
    """The next round number, for axis labels that are readable and rarely change."""
    if value <= 0:
        return 1.0
    magnitude = 10.0 ** math.floor(math.log10(value))
    return next(step for step in _STEPS if value <= step * magnitude * (1 + 1e-9)) * magnitude


def ceiling_for(values: Sequence[float], headroom: float = 1.1) -> float:
    """The top of an axis for the usual values: a few outliers, such as a run's first steps, do not flatten them."""
    if not values:
        return 1.0
    ordered = sorted(values)
    usual = ordered[int((len(ordered) - 1) * 0.8)]
    return nice_ceiling(min(ordered[-1], usual * 1.8) * headroom)


def round_range(low: float, high: float) -> tuple[float, float, float]:
    """Round numbers around an interval, and the distance of the round numbers between them."""
    step = nice_ceiling((high - low) / 6 if high > low else abs(high) / 6)
    first, last = math.floor(low / step + 1e-9), math.ceil(high / step - 1e-9)
    return first * step, max(last, first + 1) * step, step


def axis(base: str, ticks: Iterable[tuple[int, str]]) -> Line:
    """The line `base` with texts around cells of it, the most important ones first; what does not fit is left out."""
    placed: list[tuple[int, str]] = []
    for cell, text in ticks:
        start = max(0, min(cell - len(text) // 2, len(base) - len(text)))
        stop = start + len(text)
        if stop <= len(base) and all(stop + 1 < low or low + len(other) + 1 < start for low, other in placed):
            placed.append((start, text))
    line = []
    end = 0
    for start, text in sorted(placed):
        before, after = " " if start else "", " " if start + len(text) < len(base) else ""
        line += [(base[end : start - len(before)], "faint"), (f"{before}{text}{after}", "muted")]
        end = start + len(text) + len(after)
    return merge([*line, (base[end:], "faint")])
