"""Where panes and columns go."""

from __future__ import annotations

import pytest

from profilednn_tui.tui.present.dashboard import LAYOUTS, PANES, Layout, arrange, layout_for, shown_panes, slot_of
from profilednn_tui.tui.present.operators import COLUMNS
from profilednn_tui.tui.present.table import Column, SortOrder, header_text, place_columns, sort_rows


@pytest.mark.parametrize(
    ("width", "height"), [(80, 20), (120, 36), (200, 56), (160, 40), (110, 30), (300, 90), (60, 14)]
)
def test_panes_cover_the_dashboard_without_overlap(width: int, height: int) -> None:
    covered: set[tuple[int, int]] = set()
    for box in arrange(width, height, {}).values():
        cells = {(x, y) for x in range(box.x, box.x + box.width) for y in range(box.y, box.y + box.height)}
        assert not covered & cells
        covered |= cells
    assert covered == {(x, y) for x in range(width) for y in range(height)}


@pytest.mark.parametrize("layout", LAYOUTS)
def test_every_pane_has_a_slot_in_every_layout(layout: Layout) -> None:
    for pane in PANES:
        slot_of(layout, pane)


def test_a_chosen_pane_takes_its_slot() -> None:
    layout = layout_for(80, 20)
    assert shown_panes(layout, {}) == ("steps", "operators")
    assert shown_panes(layout, {"operators": "cores"}) == ("steps", "cores")


def test_a_maximized_pane_has_everything() -> None:
    (box,) = arrange(120, 36, {}, maximized="memory").values()
    assert (box.width, box.height) == (120, 36)


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
