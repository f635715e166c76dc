"""How far points carry."""

from __future__ import annotations

import pytest

from profilednn_tui.plan.points import Setting
from profilednn_tui.plan.reach import Kind, memory_bounds, reach, step_bounds
from tests.unit.plan.machines import CORNERS


@pytest.mark.parametrize(
    ("setting", "kind", "edge"),
    [
        (Setting(1, 1, 8), Kind.MEASURED, Setting(1, 1, 8)),
        (Setting(2, 1, 32), Kind.PREDICTED, Setting(2, 1, 32)),
        (Setting(2, 1, 128), Kind.ASSUMED, Setting(2, 1, 64)),
        (Setting(1, 2, 4), Kind.ASSUMED, Setting(1, 2, 8)),
        (Setting(4, 1, 32), Kind.ASSUMED, Setting(2, 1, 32)),
        (Setting(1, 4, 128), Kind.ASSUMED, Setting(1, 2, 64)),
        (Setting(2, 2, 16), Kind.ASSUMED, Setting(2, 1, 16)),
        (Setting(1, 1, 256), Kind.UNKNOWN, Setting(1, 1, 64)),
        (Setting(8, 1, 8), Kind.UNKNOWN, Setting(2, 1, 8)),
    ],
)
def test_what_points_carry(setting: Setting, kind: Kind, edge: Setting) -> None:
    found = reach(setting, CORNERS)
    assert (found.kind, found.edge) == (kind, edge)
    assert bool(found.reason) is (kind in (Kind.ASSUMED, Kind.UNKNOWN))


def test_a_number_of_ranks_between_measured_ones_is_predicted() -> None:
    assert reach(Setting(3, 1, 8), [Setting(2, 1, 8), Setting(4, 1, 8), Setting(2, 1, 16)]).kind is Kind.PREDICTED


@pytest.mark.parametrize(
    ("setting", "reason"),
    [
        (Setting(2, 1, 8), "all points have 1 rank"),
        (Setting(1, 1, 8), "all points have 2 threads"),
        (Setting(1, 2, 16), "all points have batch 8"),
    ],
)
def test_one_value_alone_says_nothing_about_others(setting: Setting, reason: str) -> None:
    found = reach(setting, [Setting(1, 2, 8)])
    assert (found.kind, found.reason) == (Kind.UNKNOWN, reason)


def test_bounds_lie_between_no_gain_and_a_perfect_one() -> None:
    edge = Setting(2, 1, 64)
    assert step_bounds(Setting(4, 1, 64), edge) == (1.0, 2.0), "the same step at best, the same throughput at worst"
    assert step_bounds(Setting(2, 2, 64), edge) == (0.5, 1.0)
    assert step_bounds(Setting(2, 1, 128), edge) == (1.0, 2.0)
    assert step_bounds(Setting(1, 1, 32), edge) == (0.25, 1.0)
    assert memory_bounds(Setting(4, 1, 128), edge) == (1.0, 2.0)
