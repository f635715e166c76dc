"""Tables as data: columns define what they show, how they sort and when they are dropped."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from profilednn_tui.tui.renderables.line import Line

Row = TypeVar("Row")

GAP = 2
REVERSED = "reversed"
"""Cells between two columns."""


@dataclass(frozen=True)
class Column(Generic[Row]):
    """One column of a table."""

    title: str
    width: int
    """Cells; the minimum, for a column that grows."""
    cell: Callable[[Row, int], Line]
    """The contents of a row in this column, for a width."""
    sort: Callable[[Row], Any] | None = None
    descending: bool = True
    """The more useful direction, which is used first."""
    right: bool = True
    grow: int = 0
    """Its share of the leftover cells."""
    most: int = 1000
    drop: int = 0
    """Columns with the highest number are dropped first if there is no room; 0 always stays."""


@dataclass(frozen=True, slots=True)
class PlacedColumn(Generic[Row]):
    """A column with its place in the table."""

    column: Column[Row]
    x: int
    width: int


@dataclass(frozen=True, slots=True)
class SortOrder:
    """How a table is sorted."""

    title: str
    reverse: bool = False
    """Against the column's own direction."""


def order_text(order: SortOrder) -> str:
    """How it is remembered: ``self ms``, ``self ms reversed``."""
    return f"{order.title} {REVERSED}" if order.reverse else order.title


def order_of(text: str, columns: Sequence[Column[Row]]) -> SortOrder | None:
    """What `order_text` has written; None if no column that sorts has this title."""
    title = text.removesuffix(REVERSED).rstrip()
    known = any(column.title == title and column.sort is not None for column in columns)
    return SortOrder(title, text != title) if title and known else None


def place_columns(columns: Sequence[Column[Row]], width: int) -> tuple[PlacedColumn[Row], ...]:
    """The columns that fit into `width` cells. Only the width decides, so that no column moves with the data."""
    kept = list(columns)
    while len(kept) > 1 and _needed(kept) > width:
        last = max(kept, key=lambda column: column.drop)
        if last.drop == 0:
            break
        kept.remove(last)
    widths = [column.width for column in kept]
    spare = max(0, width - _needed(kept))
    while spare > 0:
        growing = [index for index, column in enumerate(kept) if column.grow and widths[index] < column.most]
        if not growing:
            break
        parts = sum(kept[index].grow for index in growing)
        before = spare
        for index in growing:
            extra = min(max(1, before * kept[index].grow // parts), kept[index].most - widths[index], spare)
            widths[index] += extra
            spare -= extra
    placed = []
    x = 0
    for column, column_width in zip(kept, widths, strict=True):
        placed.append(PlacedColumn(column, x, column_width))
        x += column_width + GAP
    return tuple(placed)


def sort_rows(rows: Sequence[Row], columns: Sequence[Column[Row]], order: SortOrder | None) -> tuple[Row, ...]:
    """The rows in this order; rows without a value come last either way."""
    column = next((column for column in columns if order and column.title == order.title), None)
    if order is None or column is None or column.sort is None:
        return tuple(rows)
    value_of = column.sort
    known = [row for row in rows if value_of(row) is not None]
    unknown = [row for row in rows if value_of(row) is None]
    known.sort(key=value_of, reverse=column.descending != order.reverse)
    return (*known, *unknown)


def sortable(placed: Sequence[PlacedColumn[Row]]) -> tuple[str, ...]:
    """Titles of the visible columns by which the table can be sorted."""
    return tuple(item.column.title for item in placed if item.column.sort is not None)


def header_text(column: Column[Any], order: SortOrder | None) -> str:
    """The title, with a mark if the table is sorted by it: ▼ largest first, ▲ smallest first."""
    if order is None or column.title != order.title:
        return column.title
    return column.title + ("▼" if column.descending != order.reverse else "▲")


def _needed(columns: Sequence[Column[Any]]) -> int:
    return sum(column.width for column in columns) + GAP * (len(columns) - 1)
