"""The memory pane."""

from __future__ import annotations

from profilednn_tui.session.view import (
    SessionView,
)
from profilednn_tui.tui.present import memory
from profilednn_tui.tui.renderables.line import line_width
from tests.tui.feeds import sampled_view
from tests.tui.screen_text import lines_text


def test_memory_without_a_sample_shows_no_zeros() -> None:
    assert lines_text(memory.memory_lines(SessionView().memory, 40, 10)) == "No sample yet."


def test_memory_over_time_has_units_and_a_time_axis() -> None:
    shown = lines_text(memory.memory_lines(sampled_view().memory, 34, 10))
    assert "1.20 GB" in shown
    assert "rss" in shown
    assert "2,000/s" in shown
    assert "faults" in shown
    assert "-2 min" in shown


def test_a_small_pane_shows_the_resident_memory_alone() -> None:
    shown = lines_text(memory.memory_lines(sampled_view().memory, 34, 8)).splitlines()
    assert len(shown) == 8
    assert "faults" not in "".join(shown[4:])
    assert shown[-1].endswith("0 s")


def test_memory_fits_any_pane() -> None:
    for width, height in ((34, 3), (34, 7), (58, 10), (20, 12), (140, 40)):
        lines = memory.memory_lines(sampled_view().memory, width, height)
        assert len(lines) <= height
        assert all(line_width(line) <= max(width, 36) for line in lines)
