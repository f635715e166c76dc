"""Hundreds of experiments: the interval covers, finds what it claims to find, and does not see what is not there."""

from __future__ import annotations

import numpy as np
import pytest

from profilednn_tui.compare.intervals import FEWEST_PAIRS, Interval, ratio_interval
from tests.unit.compare.sides import runs, settled

EXPERIMENTS = 200


def intervals(count: int, slower: float, spread: float, wild: float = 0.0) -> list[Interval]:
    generator = np.random.default_rng(count + round(1000 * slower))
    return [
        ratio_interval(runs(generator, count, 1.0, spread, wild), runs(generator, count, slower, spread, wild))
        for _ in range(EXPERIMENTS)
    ]


@pytest.mark.parametrize(("count", "wild"), [(4, 0.0), (6, 0.0), (6, 0.15), (10, 0.15)])
def test_the_interval_holds_the_true_ratio_at_least_as_often_as_it_says(count: int, wild: float) -> None:
    found = intervals(count, 1.1, 0.015, wild)
    covered = sum(one.low <= 1.1 <= one.high for one in found) / EXPERIMENTS
    assert covered >= 0.95 - 2 * np.sqrt(0.05 * 0.95 / EXPERIMENTS)


@pytest.mark.parametrize(("count", "wild"), [(4, 0.0), (6, 0.0), (6, 0.15), (10, 0.0)])
def test_equal_sides_seldom_differ(count: int, wild: float) -> None:
    found = intervals(count, 1.0, 0.02, wild)
    assert sum(one.low > 1 or one.high < 1 for one in found) / EXPERIMENTS <= 0.05


def test_a_difference_of_the_smallest_size_is_found_as_often_as_claimed() -> None:
    claimed = float(np.median([one.smallest_difference for one in intervals(6, 1.0, 0.02)]))
    found = intervals(6, 1 + claimed, 0.02)
    assert sum(one.low > 1 for one in found) / EXPERIMENTS >= 0.8
    assert not any(one.high < 1 for one in found)


def in_turn(generator: np.random.Generator, count: int, slower: float, spread: float, shared: float) -> Interval:
    """Of an experiment on a machine whose speed wavers by `shared` from turn to turn."""
    wavering = np.exp(generator.normal(0, shared, count))
    sides = [
        [
            settled(run.durations_ns * factor, ("experiment", block))
            for block, (run, factor) in enumerate(zip(runs(generator, count, of, spread), wavering, strict=True))
        ]
        for of in (1.0, slower)
    ]
    return ratio_interval(sides[0], sides[1][::-1])


@pytest.mark.parametrize("count", [FEWEST_PAIRS, 8, 12])
def test_what_slows_a_whole_turn_hides_no_difference_and_makes_none(count: int) -> None:
    """Seen: eight runs 10 % slower, each than its neighbour, had no verdict on a machine that wavers by 5 %."""
    generator = np.random.default_rng(count)
    equal = [in_turn(generator, count, 1.0, 0.015, shared=0.08) for _ in range(EXPERIMENTS)]
    assert sum(one.low > 1 or one.high < 1 for one in equal) / EXPERIMENTS <= 0.05 + 2 * np.sqrt(0.05 / EXPERIMENTS)
    slower = [in_turn(generator, count, 1.1, 0.015, shared=0.08) for _ in range(EXPERIMENTS)]
    assert sum(one.low > 1 for one in slower) / EXPERIMENTS >= 0.95
