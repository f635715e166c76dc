"""Logs and comparisons as Markdown, for an issue or a report."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

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
from profilednn_tui.tables import markdown_code, markdown_table

TOP_ROWS = 20


def log_markdown(log: PrimitiveLog) -> str:
    """The facts and one table per grouping."""
    lines = ["# oneDNN primitives", "", *(f"- {fact}" for fact in log_facts(log)), ""]
    for by in By:
        rows = [group_row(group) for group in breakdown(log, by)[:TOP_ROWS]]
        lines += _section(f"By {by.value}", (*COLUMNS[by], *GROUP_FIGURES), rows, len(COLUMNS[by]))
    return "\n".join(lines)


def comparison_markdown(comparison: LogComparison) -> str:
    """The facts, the directions, and the problems that differ."""
    lines = ["# oneDNN primitives against a reference", "", *(f"- {fact}" for fact in comparison_facts(comparison)), ""]
    lines += _section("By direction", DIRECTION_DELTA_COLUMNS, direction_rows(comparison.directions), 2)
    for title, deltas in (
        ("More backward calls", comparison.more_backward),
        ("Fewer backward calls", comparison.less_backward),
        ("Missing problems", comparison.missing),
        ("Extra problems", comparison.extra),
    ):
        lines += _section(title, SHAPE_DELTA_COLUMNS, shape_rows(deltas[:TOP_ROWS]), 3)
    return "\n".join(lines)


def _section(title: str, columns: Sequence[str], rows: Iterable[Sequence[str]], texts: int) -> Iterator[str]:
    rows = [(*map(markdown_code, row[:texts]), *row[texts:]) for row in rows]
    if rows:
        yield from (f"## {title}", "", *markdown_table(columns, rows, texts), "")
