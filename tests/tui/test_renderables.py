"""Lines, bars, charts."""

from __future__ import annotations

import pytest

from profilednn_tui.tui.renderables.bars import bar, stacked_bar
from profilednn_tui.tui.renderables.columns import stacked_columns
from profilednn_tui.tui.renderables.line import clip, ends, fit_line, line_width, merge, plain, wrap
from profilednn_tui.tui.renderables.scale import ceiling_for, nice_ceiling
from profilednn_tui.tui.renderables.sparkline import area, blocks, braille


def test_clipping_marks_what_is_missing() -> None:
    assert clip("convolution", 20) == "convolution"
    assert clip("convolution", 8) == "convolu…"
    assert clip("backbone.layer1.conv", 8, keep_end=True) == "…r1.conv"
    assert clip("画像データ", 5) == "画像…", "wide characters count twice"
    assert clip("anything", 0) == ""


@pytest.mark.parametrize("width", [1, 3, 8, 30])
@pytest.mark.parametrize("right", [False, True])
def test_a_fitted_line_has_exactly_the_width(width: int, right: bool) -> None:
    line = (("aten::", "muted"), ("convolution", ""))
    assert line_width(fit_line(line, width, right)) == width


def test_both_ends_of_a_line_stay_when_there_is_room() -> None:
    assert plain(ends((("left", ""),), (("right", ""),), 12)) == "left   right"
    assert plain(ends((("a long text on the left", ""),), (("right", ""),), 12)) == "a lon… right"


def test_merging_joins_neighbours_of_one_role() -> None:
    assert merge([("a", "x"), ("b", "x"), ("c", ""), ("", "y")]) == (("ab", "x"), ("c", ""))


def test_wrapping_keeps_words_whole_and_breaks_the_endless_one() -> None:
    assert [plain(line) for line in wrap("set the number of threads", 10)] == ["set the", "number of", "threads"]
    assert all(line_width(line) <= 4 for line in wrap("abcdefghij", 4))


def test_a_bar_has_its_width_and_never_hides_something_small() -> None:
    assert plain(bar(0.5, 8, "primary")) == "━━━━    "
    assert plain(bar(0.0001, 8, "primary")) == "╸       "
    assert plain(bar(0.0, 4, "primary")) == "    "
    assert plain(bar(7.0, 4, "primary")) == "━━━━"


def test_a_stacked_bar_gives_each_part_its_cells() -> None:
    line = stacked_bar(((0.5, "target"), (0.25, "others")), 8, "track")
    assert line == (("━━━━", "target"), ("━━", "others"), ("━━", "track"))


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


def test_graphs_fill_their_width_with_the_newest_values_at_the_right() -> None:
    assert blocks([0, 50, 100], 5, 100.0) == "  ▁▅█"
    assert area([4, 8], 3, 2, 8.0) == ("  █", " ██")
    lines = braille([1.0, 2.0, None, 4.0], 6, 2)
    assert [len(line) for line in lines] == [6, 6]
    assert lines[0].startswith("    ")
    assert braille([None], 3, 1) == ("   ",)


def test_axes_end_at_round_numbers_and_ignore_far_outliers() -> None:
    assert nice_ceiling(31.2) == 40
    assert nice_ceiling(0.0) == 1
    assert nice_ceiling(100.0) == 100
    assert ceiling_for([10.0] * 99 + [900.0]) == 20
    assert ceiling_for([900.0] * 4 + [10.0] * 36) == 20
    assert ceiling_for([10.0, 30.0] * 20) == 40
    assert ceiling_for([]) == 1
