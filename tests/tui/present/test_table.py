"""Which columns fit, and the order of rows."""

from __future__ import annotations

import pytest

from profilednn_tui.tui.present.operators import COLUMNS
from profilednn_tui.tui.present.table import (
    Column,
    SortOrder,
    header_text,
    optional_titles,
    place_columns,
    revealing,
    sort_rows,
    without,
)


@pytest.mark.parametrize("width", [40, 60, 74, 78, 100, 136, 200, 400])
def test_columns_fit_and_the_important_ones_stay(width: int) -> None:
    placement = place_columns(COLUMNS, width)
    assert {"operator", "self ms", "share %"} <= set(placement.titles)
    last = placement.columns[-1]
    assert last.x + last.width <= max(width, 46)
    assert placement.after == len(COLUMNS) - len(placement.columns)


def test_a_wide_table_shows_everything() -> None:
    placement = place_columns(COLUMNS, 200)
    assert placement.titles == tuple(column.title for column in COLUMNS)
    assert (placement.before, placement.after) == (0, 0)
    assert place_columns(COLUMNS, 200, 3) == placement


@pytest.mark.parametrize("width", [30, 40, 60, 78, 100, 136])
def test_every_column_comes_into_view_by_scrolling_and_the_first_one_stays(width: int) -> None:
    seen: set[str] = set()
    for scrolled in range(len(COLUMNS)):
        placement = place_columns(COLUMNS, width, scrolled)
        assert placement.titles[0] == "operator"
        assert placement.before + len(placement.columns) + placement.after == len(COLUMNS)
        seen.update(placement.titles)
    assert seen == {column.title for column in COLUMNS}
    assert placement.after == 0
    assert place_columns(COLUMNS, width, 1_000) == placement, "there is nothing beyond the last column"
    assert place_columns(COLUMNS, width, -1) == place_columns(COLUMNS, width)


def test_a_table_of_one_column_does_not_scroll() -> None:
    column = Column[int]("n", 30, lambda row, width: ())
    placement = place_columns((column,), 10, 1)
    assert (placement.titles, placement.before, placement.after) == (("n",), 0, 0)


def test_a_column_is_revealed_with_as_little_scrolling_as_needed() -> None:
    assert revealing(COLUMNS, 78, "self ms", 0) == 0
    there = revealing(COLUMNS, 78, "module", 0)
    assert "module" in place_columns(COLUMNS, 78, there).titles
    assert "module" not in place_columns(COLUMNS, 78, there - 1).titles
    assert revealing(COLUMNS, 78, "module", there) == there


def test_the_first_column_cannot_be_hidden() -> None:
    assert "operator" not in optional_titles(COLUMNS)
    left = without(COLUMNS, {"operator", "module", "no such column"})
    assert [column.title for column in COLUMNS if column not in left] == ["module"]


def test_rows_without_a_value_come_last_either_way() -> None:
    columns = (Column[int | None]("n", 3, lambda row, width: (), lambda row: row),)
    assert sort_rows((2, None, 3), columns, SortOrder("n")) == (3, 2, None)
    assert sort_rows((2, None, 3), columns, SortOrder("n", reverse=True)) == (2, 3, None)
    assert sort_rows((2, None, 3), columns, None) == (2, None, 3)


def test_the_sorted_column_is_marked() -> None:
    numbers = Column[int]("n", 3, lambda row, width: (), lambda row: row)
    names = Column[int]("name", 3, lambda row, width: (), lambda row: row, descending=False)
    assert header_text(numbers, SortOrder("n")) == "n▼"
    assert header_text(numbers, SortOrder("n", reverse=True)) == "n▲"
    assert header_text(names, SortOrder("name")) == "name▲"
    assert header_text(numbers, SortOrder("other")) == "n"
