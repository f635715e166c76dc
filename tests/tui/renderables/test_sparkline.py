"""Graphs of a value over time."""

from __future__ import annotations

from profilednn_tui.tui.renderables.sparkline import area, blocks, braille


def test_graphs_fill_their_width_with_the_newest_values_at_the_right() -> None:
    assert blocks([0, 50, 100], 5, 100.0) == "  ▁▅█"
    assert area([4, 8], 3, 2, 8.0) == ("  █", " ██")
    lines = braille([1.0, 2.0, None, 4.0], 6, 2)
    assert [len(line) for line in lines] == [6, 6]
    assert lines[0].startswith("    ")
    assert braille([None], 3, 1) == ("   ",)


def test_an_unknown_value_leaves_a_gap_in_an_area() -> None:
    assert area([8.0, None, 8.0], 3, 1, 8.0) == ("█ █",)
