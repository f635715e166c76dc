"""Tables as data: columns define what they show, how they sort and when they are dropped."""

from __future__ import annotations

from collections.abc import Callable, Container, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from profilednn_tui.tui.renderables.line import Line

Row = TypeVar("Row")

GAP = 2
"""Cells between two columns."""
MORE_LEFT, MORE_RIGHT = "‹", "›"
"""Marks in the header: columns are hidden on this side."""
REVERSED = "reversed"


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
    """Columns with the highest number are the first to go to the right end if there is no room; 0 always stays."""


@dataclass(frozen=True, slots=True)
class PlacedColumn(Generic[Row]):
    """A column with its place in the table."""

    column: Column[Row]
    x: int
    width: int


@dataclass(frozen=True, slots=True)
class Placement(Generic[Row]):
    """The columns on the screen, and how many are hidden on either side."""

    columns: tuple[PlacedColumn[Row], ...] = ()
    before: int = 0
    """Hidden between the first column and the others."""
    after: int = 0
    """Hidden on the right."""

    @property
    def titles(self) -> tuple[str, ...]:
        return tuple(item.column.title for item in self.columns)


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


def place_columns(columns: Sequence[Column[Row]], width: int, scrolled: int = 0) -> Placement[Row]:
    """The columns that fit into `width` cells, with `scrolled` of them left out after the first, which stays in place.

    Only the width decides, so that no column moves with the data.
    """
    room = _room(columns, width)
    fitting = _most_important(columns, room)
    first, *others = in_order(columns, width)
    fit_from = (count for count in range(len(others)) if _needed([first, *others[count:]]) <= room)
    end = next(fit_from, max(0, len(others) - 1))
    before = max(0, min(scrolled, end))
    shown = _first_fitting(first, others[before:], room) if before else fitting
    return Placement(_spread(shown, room), before, len(columns) - before - len(shown))


def in_order(columns: Sequence[Column[Row]], width: int) -> tuple[Column[Row], ...]:
    """The columns from left to right. Where they do not all fit, those that matter least come last."""
    fitting = _most_important(columns, _room(columns, width))
    return (*fitting, *(column for column in columns if column not in fitting))


def revealing(columns: Sequence[Column[Row]], width: int, title: str, scrolled: int) -> int:
    """How far the table has to be scrolled to show a column: as far as it is now, if that does."""
    places = (scrolled, *range(len(columns)))
    return next((place for place in places if title in place_columns(columns, width, place).titles), scrolled)


def optional_titles(columns: Sequence[Column[Any]]) -> tuple[str, ...]:
    """The titles of the columns that may be hidden: not of the first one, which says what a row is."""
    return tuple(column.title for column in columns[1:] if column.title)


def without(columns: Sequence[Column[Row]], hidden: Container[str]) -> tuple[Column[Row], ...]:
    """The columns but the hidden ones."""
    optional = optional_titles(columns)
    return tuple(column for column in columns if column.title not in hidden or column.title not in optional)


def _room(columns: Sequence[Column[Any]], width: int) -> int:
    """The cells for columns: one is kept for the mark that there are more."""
    return width if _needed(columns) <= width else width - 1


def _most_important(columns: Sequence[Column[Row]], width: int) -> list[Column[Row]]:
    kept = list(columns)
    while len(kept) > 1 and _needed(kept) > width:
        last = max(kept, key=lambda column: column.drop)
        if last.drop == 0:
            break
        kept.remove(last)
    return kept


def _first_fitting(first: Column[Row], others: Sequence[Column[Row]], width: int) -> list[Column[Row]]:
    """The first column and as many others as fit, but at least one."""
    shown = [first, *others[:1]]
    for column in others[1:]:
        if _needed([*shown, column]) > width:
            break
        shown.append(column)
    return shown


def _spread(columns: Sequence[Column[Row]], width: int) -> tuple[PlacedColumn[Row], ...]:
    """The columns side by side, with the leftover cells for those that grow."""
    widths = [column.width for column in columns]
    spare = max(0, width - _needed(columns))
    while spare > 0:
        growing = [index for index, column in enumerate(columns) if column.grow and widths[index] < column.most]
        if not growing:
            break
        parts = sum(columns[index].grow for index in growing)
        before = spare
        for index in growing:
            extra = min(max(1, before * columns[index].grow // parts), columns[index].most - widths[index], spare)
            widths[index] += extra
            spare -= extra
    placed = []
    x = 0
    for column, column_width in zip(columns, widths, strict=True):
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


def sortable(columns: Sequence[Column[Any]]) -> tuple[str, ...]:
    """Titles of the columns by which the table can be sorted."""
    return tuple(column.title for column in columns if column.sort is not None)


def header_text(column: Column[Any], order: SortOrder | None) -> str:
    """The title, with a mark if the table is sorted by it: ▼ largest first, ▲ smallest first."""
    if order is None or column.title != order.title:
        return column.title
    return column.title + ("▼" if column.descending != order.reverse else "▲")


def _needed(columns: Sequence[Column[Any]]) -> int:
    return sum(column.width for column in columns) + GAP * (len(columns) - 1)
