"""Where an axis ends."""

from __future__ import annotations

import pytest

from profilednn_tui.tui.renderables.line import plain
from profilednn_tui.tui.renderables.scale import axis, ceiling_for, nice_ceiling, round_range


def test_axes_end_at_round_numbers_and_ignore_far_outliers() -> None:
    assert nice_ceiling(31.2) == 40
    assert nice_ceiling(0.0) == 1
    assert nice_ceiling(100.0) == 100
    assert ceiling_for([10.0] * 99 + [900.0]) == 20
    assert ceiling_for([900.0] * 4 + [10.0] * 36) == 20
    assert ceiling_for([10.0, 30.0] * 20) == 40
    assert ceiling_for([]) == 1


def test_an_axis_has_texts_around_its_ticks() -> None:
    assert plain(axis("─" * 20, [(19, "0 s"), (9, "-10 s"), (0, "-19 s")])) == "-19 s  -10 s ─── 0 s"


def test_texts_without_room_are_left_out_the_least_important_first() -> None:
    assert plain(axis("─" * 10, [(9, "100"), (0, "1"), (6, "50")])) == "1 ──── 100"
    assert plain(axis("─" * 3, [(0, "1,234")])) == "───"
    assert axis("", [(0, "1")]) == ()


@pytest.mark.parametrize(
    ("low", "high", "ends"),
    [(28.3, 33.9, (28.0, 34.0)), (0.0, 1.0, (0.0, 1.0)), (20.0, 20.0, (20.0, 24.0)), (2e5, 9e7, (0.0, 9e7))],
)
def test_a_range_ends_at_round_numbers(low: float, high: float, ends: tuple[float, float]) -> None:
    first, last, step = round_range(low, high)
    assert (first, last) == pytest.approx(ends)
    assert (last - first) / step == pytest.approx(round((last - first) / step))
