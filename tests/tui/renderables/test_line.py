"""Lines: clipped, fitted, merged, wrapped."""

from __future__ import annotations

import pytest

from profilednn_tui.tui.renderables.line import clip, ends, fit_line, line_width, merge, plain, wrap


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
