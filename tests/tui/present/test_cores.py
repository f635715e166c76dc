"""The core pane."""

from __future__ import annotations

from dataclasses import replace

import pytest

from profilednn_tui.session.view import (
    Machine,
)
from profilednn_tui.tui.present import cores
from profilednn_tui.tui.renderables.line import line_width
from tests.tui.feeds import many_cores, sampled_view
from tests.tui.screen_text import lines_text


def test_few_cores_have_bars_and_many_a_heat_map() -> None:
    few = lines_text(cores.cores_lines(many_cores(4), Machine(), 40, 12))
    assert few.count("━") > 60
    many = lines_text(cores.cores_lines(many_cores(128), Machine(), 40, 10))
    assert many.count("█") == 128
    assert "\n 96 " in many


@pytest.mark.parametrize("count", [1, 4, 16, 64, 128, 512])
def test_cores_fit_any_pane(count: int) -> None:
    for width, height in ((34, 8), (60, 14), (140, 40)):
        lines = cores.cores_lines(many_cores(count), Machine(), width, height)
        assert len(lines) <= height
        assert all(line_width(line) <= width for line in lines)


def test_contention_is_said_in_the_pane() -> None:
    disturbed = replace(many_cores(4), contention="others 100 % of one core: timings are not reliable")
    assert "timings are not reliable" in lines_text(cores.cores_lines(disturbed, Machine(), 60, 12))


def test_the_use_over_time_has_its_unit_and_its_time() -> None:
    shown = lines_text(cores.cores_lines(sampled_view().cores, Machine(), 34, 12))
    assert "400 %" in shown
    assert "target" in shown
    assert "-2 min" in shown
    assert "0 s" in shown


def test_the_histories_of_single_cores_have_a_time_axis() -> None:
    lines = lines_text(cores.cores_lines(sampled_view().cores, Machine(), 60, 6)).splitlines()
    assert lines[5].startswith(" " * 31 + "─")
    assert lines[5].endswith(" 0 s")
    assert "-10 s" in lines[5]


def test_sampled_cores_fit_any_pane() -> None:
    for width, height in ((34, 3), (34, 8), (58, 9), (60, 14), (140, 40)):
        lines = cores.cores_lines(sampled_view().cores, Machine(), width, height)
        assert len(lines) <= height
        assert all(line_width(line) <= width for line in lines)
