"""The two header lines."""

from __future__ import annotations

from dataclasses import replace

import pytest

from profilednn_tui.session.view import Remaining
from profilednn_tui.tui.present.header import Display, header_lines
from profilednn_tui.tui.renderables.line import line_width, plain
from tests.tui.feeds import many_cores, running_view


@pytest.mark.parametrize("width", [60, 80, 120, 200])
def test_header_fields_keep_their_places(width: int) -> None:
    small = header_lines(running_view(9), Display(), width)
    large = (
        header_lines(running_view(98_765), Display(), width)
        if width == 200
        else header_lines(running_view(9_876), Display(), width)
    )
    assert plain(small[1]).index("median") == plain(large[1]).index("median")
    assert plain(small[1]).index("p95") == plain(large[1]).index("p95")
    assert line_width(small[0]) == width


def test_badges_for_what_is_not_normal() -> None:
    view = replace(running_view(), cores=replace(many_cores(4), contention="others 100 % of one core"))
    line = plain(header_lines(view, Display(paused=True, behind_steps=1_234, window=2), 200)[0])
    for badge in ("PAUSED +1,234 steps", "WINDOW 2", "others 100 % of one core", "● running"):
        assert badge in line


LEFT = Remaining(2345.0, 2222.0, 2468.0, 20, 4_000, "for epoch in range(20), train.py:40")


def first_line(remaining: Remaining, width: int, finding: str = "") -> str:
    view = replace(running_view(), remaining=remaining)
    return plain(header_lines(view, Display(finding=finding), width)[0])


def test_the_remaining_time_fits_beside_the_finding_and_the_state() -> None:
    line = first_line(LEFT, 80, "data wait 94 %")
    assert "37 to 41 min left" in line
    assert "data wait 94 %: a" in line
    assert "● running" in line
    assert len(line) == 80


def test_the_finding_and_the_state_come_before_the_remaining_time() -> None:
    line = first_line(LEFT, 52, "thread oversubscription 60 %")
    assert "left" not in line
    assert "thread oversubscription 60 %: a" in line


def test_a_remaining_time_that_is_not_known_yet_is_said_to_be_unknown() -> None:
    assert "time left unknown" in first_line(replace(LEFT, seconds=None, low_s=None, high_s=None), 80)
    assert "left" not in first_line(Remaining(reason="the number of iterations of `while True` is not known"), 80)
