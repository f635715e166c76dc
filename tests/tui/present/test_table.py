"""Which columns fit, and the order of rows."""

from __future__ import annotations

import pytest

from profilednn_tui.tui.present.operators import COLUMNS
from profilednn_tui.tui.present.table import Column, SortOrder, header_text, place_columns, sort_rows


@pytest.mark.parametrize("width", [40, 60, 74, 78, 100, 136, 200, 400])
def test_columns_fit_and_the_important_ones_stay(width: int) -> None:
    placed = place_columns(COLUMNS, width)
    titles = [item.column.title for item in placed]
    assert {"operator", "self ms", "share %"} <= set(titles)
    last = placed[-1]
    assert last.x + last.width <= max(width, 46)


def test_a_wide_table_shows_everything() -> None:
    assert len(place_columns(COLUMNS, 200)) == len(COLUMNS)


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
