"""Bars."""

from __future__ import annotations

from profilednn_tui.tui.renderables.bars import bar, stacked_bar
from profilednn_tui.tui.renderables.line import plain


def test_a_bar_has_its_width_and_never_hides_something_small() -> None:
    assert plain(bar(0.5, 8, "primary")) == "━━━━    "
    assert plain(bar(0.0001, 8, "primary")) == "╸       "
    assert plain(bar(0.0, 4, "primary")) == "    "
    assert plain(bar(7.0, 4, "primary")) == "━━━━"


def test_a_stacked_bar_gives_each_part_its_cells() -> None:
    line = stacked_bar(((0.5, "target"), (0.25, "others")), 8, "track")
    assert line == (("━━━━", "target"), ("━━", "others"), ("━━", "track"))
