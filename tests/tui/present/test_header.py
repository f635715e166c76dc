"""The two header lines."""

from __future__ import annotations

from dataclasses import replace

import pytest

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
