"""How often the screen is refreshed."""

from __future__ import annotations

import pytest

from profilednn_tui.tui.refresh_rate import FASTEST_S, SLOWEST_S, RefreshRate


def test_cheap_rounds_follow_fast_and_expensive_ones_stretch() -> None:
    refresh_rate = RefreshRate()
    assert refresh_rate.next_interval_s(0.001, None) == FASTEST_S
    for _ in range(20):
        interval_s = refresh_rate.next_interval_s(0.01, 60.0)
    assert interval_s == pytest.approx(0.5, rel=0.05)
    for _ in range(20):
        interval_s = refresh_rate.next_interval_s(0.5, 60.0)
    assert interval_s == SLOWEST_S


def test_where_all_cores_are_busy_a_look_costs_the_training_and_comes_less_often() -> None:
    beside, instead = RefreshRate(), RefreshRate()
    for _ in range(20):
        short_s, long_s = beside.next_interval_s(0.01, None), instead.next_interval_s(0.01, 20.0)
    assert long_s == pytest.approx(4 * short_s)
