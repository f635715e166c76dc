"""Logs and comparisons for a terminal: tables with bars, fitted to its width."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from profilednn_tui.export.onednn.facts import comparison_facts, log_facts
from profilednn_tui.export.onednn.rows import (
    DIRECTION_DELTA_COLUMNS,
    GROUP_FIGURES,
    SHAPE_DELTA_COLUMNS,
    direction_rows,
    group_row,
    shape_rows,
)
from profilednn_tui.onednn.breakdown import COLUMNS, By, breakdown
from profilednn_tui.onednn.compare import LogComparison
from profilednn_tui.onednn.records import PrimitiveLog
from profilednn_tui.tables import aligned

TOP_ROWS = 8
SHORTEST_BAR = 6
LONGEST_BAR = 40
LESSER_FIGURES = ("cached", "created", "mean ms")
"""Dropped from a terminal that is too narrow, in this order."""
_EIGHTHS = " ▏▎▍▌▋▊▉█"


def log_lines(log: PrimitiveLog, width: int, by: By | None = None) -> Iterator[str]:
    """The facts and the first rows of each grouping; a single grouping in full if it is named."""
    yield from log_facts(log)
    if not log.calls:
        return
    for one in [by] if by is not None else By:
        yield ""
        yield from _grouping(log, one, width, None if by is not None else TOP_ROWS)


def comparison_lines(comparison: LogComparison, width: int) -> Iterator[str]:
    """The facts, the directions, and the problems that differ."""
    yield from comparison_facts(comparison)
    yield ""
    yield from _table(DIRECTION_DELTA_COLUMNS, direction_rows(comparison.directions), 2, width)
    for title, deltas in (
        ("More backward calls", comparison.more_backward),
        ("Fewer backward calls", comparison.less_backward),
        ("Missing problems", comparison.missing),
        ("Extra problems", comparison.extra),
    ):
        if deltas:
            yield ""
            yield f"{title}{_of(len(deltas))}"
            yield from _table(SHAPE_DELTA_COLUMNS, shape_rows(deltas[:TOP_ROWS]), 3, width)


def bar(fraction: float, length: int) -> str:
    """A bar in eighths of a cell; anything above zero is visible."""
    eighths = max(round(min(fraction, 1.0) * length * 8), 1 if fraction > 0 else 0)
    whole, part = divmod(eighths, 8)
    return "█" * whole + (_EIGHTHS[part] if part else "")


def _grouping(log: PrimitiveLog, by: By, width: int, limit: int | None) -> Iterator[str]:
    groups = breakdown(log, by)
    shown = groups[:limit]
    columns = [*COLUMNS[by], *GROUP_FIGURES]
    rows = [group_row(group) for group in shown]
    lines = _table(columns, rows, len(COLUMNS[by]), width)
    room = min(width - max(map(len, lines)) - 2, LONGEST_BAR)
    if room >= SHORTEST_BAR:
        widest = max(map(len, lines))
        most = shown[0].share or 1.0
        lines[1:] = [
            f"{line.ljust(widest)}  {bar(group.share / most, room)}"
            for line, group in zip(lines[1:], shown, strict=True)
        ]
    yield from lines
    if len(groups) > len(shown):
        yield f"... and {len(groups) - len(shown):,} more: --by {by.value} shows all"


def _table(columns: Sequence[str], rows: Sequence[Sequence[str]], texts: int, width: int) -> list[str]:
    """Text columns on the left; a line that is too long loses lesser figures first, then part of the longest text."""
    head = [column.upper() if index < texts else column for index, column in enumerate(columns)]
    cells = [head, *map(list, rows)]
    for lesser in LESSER_FIGURES:
        if lesser in cells[0] and _length(cells) > width:
            index = cells[0].index(lesser)
            cells = [row[:index] + row[index + 1 :] for row in cells]
    spare = _length(cells) - width
    if spare > 0:
        column = max(range(texts), key=lambda index: max(len(row[index]) for row in cells))
        room = max(max(len(row[column]) for row in cells) - spare, 12)
        for row in cells:
            row[column] = row[column] if len(row[column]) <= room else row[column][: room - 1] + "…"
    return aligned(cells, [index for index in range(texts, len(cells[0])) if cells[0][index]])


def _length(cells: Sequence[Sequence[str]]) -> int:
    return max(map(len, aligned(cells, ())))


def _of(count: int) -> str:
    return f" (first {TOP_ROWS} of {count:,})" if count > TOP_ROWS else ""
