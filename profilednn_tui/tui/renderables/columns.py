"""A chart of stacked columns with a resolution of an eighth of a cell."""

from __future__ import annotations

from collections.abc import Sequence
from math import ceil

from profilednn_tui.tui.renderables.line import Line, Span, merge

EIGHTHS = " ▁▂▃▄▅▆▇█"
CUT = "▲"
"""On top of a column that continues above the chart."""
PEAK = "*"
"""The largest value of those whose mean a column is."""


def stacked_columns(
    columns: Sequence[Sequence[float]],
    roles: Sequence[str],
    height: int,
    ceiling: float,
    glyphs: str = "",
    peaks: Sequence[float] = (),
) -> tuple[Line, ...]:
    """`columns` as a chart of `height` lines, the topmost first.

    Each column holds its parts from the bottom up, in the order of `roles`; `ceiling` is the value at the upper edge.
    With `glyphs` (one for each part) the parts differ by character instead of by colour. Of `peaks` (one for each
    column; 0 for none), those above their column are marked.
    """
    cells = [_column(parts, roles, height, ceiling, glyphs) for parts in columns]
    for column, peak in zip(cells, peaks, strict=False):
        level = min(height, max(1, ceil(peak / ceiling * height - 1e-9))) - 1
        if peak and column[level] == (" ", ""):
            column[level] = (PEAK if peak <= ceiling else CUT, "muted")
    return tuple(merge(column[level] for column in cells) for level in range(height - 1, -1, -1))


def _column(parts: Sequence[float], roles: Sequence[str], height: int, ceiling: float, glyphs: str) -> list[Span]:
    edges = []
    total = 0.0
    for value in parts:
        total += value
        edges.append(min(height * 8, round(total / ceiling * height * 8)))
    cells = [_cell(level * 8, edges, roles, glyphs) for level in range(height)]
    if total > ceiling:
        cells[-1] = (CUT, f"background on {roles[_part_at(edges, height * 8 - 1)]}" if not glyphs else "")
    return cells


def _part_at(edges: Sequence[int], eighth: int) -> int:
    return next(index for index, edge in enumerate(edges) if edge > eighth)


def _cell(low: int, edges: Sequence[int], roles: Sequence[str], glyphs: str) -> Span:
    inside = []
    floor = low
    for index, edge in enumerate(edges):
        top = min(edge, low + 8)
        if top > floor:
            inside.append((top - floor, index))
            floor = top
    empty = low + 8 - floor
    if not inside:
        return " ", ""
    if glyphs:
        _, index = max(inside)
        return (glyphs[index], "") if empty <= 4 else (" ", "")
    if len(inside) == 1 and not empty:
        return "█", roles[inside[0][1]]
    if empty:
        # A cell at the top of a column has no room for two parts: it shows the height, in the colour of the largest.
        return EIGHTHS[8 - empty], roles[max(inside)[1]]
    (_, first), (_, second) = sorted(sorted(inside, reverse=True)[:2], key=lambda item: item[1])
    first_eighths = sum(eighths for eighths, index in inside if index <= first)
    return EIGHTHS[min(7, first_eighths)], f"{roles[first]} on {roles[second]}"
