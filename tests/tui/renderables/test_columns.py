"""Stacked columns."""

from __future__ import annotations

from profilednn_tui.tui.renderables.columns import stacked_columns
from profilednn_tui.tui.renderables.line import plain


def test_columns_stack_from_the_bottom() -> None:
    top, bottom = stacked_columns([(4.0, 4.0)], ("forward", "backward"), 2, 8.0)
    assert top == (("█", "backward"),)
    assert bottom == (("█", "forward"),)


def test_a_cell_with_two_parts_shows_both_colours() -> None:
    (line,) = stacked_columns([(4.0, 4.0)], ("forward", "backward"), 1, 8.0)
    assert line == (("▄", "forward on backward"),)


def test_the_top_of_a_column_is_an_eighth_precise() -> None:
    (line,) = stacked_columns([(3.0, 0.0), (8.0, 0.0), (0.0, 0.0)], ("forward", "backward"), 1, 8.0)
    assert plain(line) == "▃█ "


def test_a_column_above_the_chart_is_marked() -> None:
    top, _ = stacked_columns([(20.0, 20.0), (4.0, 4.0)], ("forward", "backward"), 2, 8.0)
    assert top == (("▲", "background on forward"), ("█", "backward"))


def test_without_colours_the_parts_differ_by_character() -> None:
    top, bottom = stacked_columns([(4.0, 4.0)], ("forward", "backward"), 2, 8.0, glyphs="█▓")
    assert (plain(top), plain(bottom)) == ("▓", "█")


def test_the_largest_value_of_a_mean_is_marked_above_it() -> None:
    top, middle, _ = stacked_columns([(4.0,), (4.0,), (4.0,)], ("forward",), 3, 12.0, peaks=(7.0, 20.0, 4.0))
    assert plain(top) == " ▲ "
    assert plain(middle) == "*  "
