"""Hundreds of experiments: the interval covers, finds what it claims to find, and does not see what is not there."""

from __future__ import annotations

import numpy as np
import pytest

from profilednn_tui.compare.intervals import FEWEST_GROUPS, FEWEST_PAIRS, Interval, ratio_interval
from profilednn_tui.compare.verdict import Outcome, judge
from profilednn_tui.session.spread import WITHIN_EXPERIMENT, Spread
from tests.unit.compare.sides import in_lockstep, runs, settled

EXPERIMENTS = 200
MOST_FALSE = 0.05 + 2 * np.sqrt(0.05 / EXPERIMENTS)
"""Share of verdicts on equal sides: 5 %, and what so many experiments scatter by."""


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


@pytest.mark.parametrize("count", [2, 3])
@pytest.mark.parametrize("floor", [WITHIN_EXPERIMENT, Spread(0.01, 20)])
def test_two_or_three_runs_of_equal_variants_seldom_differ(count: int, floor: Spread) -> None:
    """Seen: of identical variants with two runs each, one was "slower +10.3 %"; every eighth pair had a verdict."""
    generator = np.random.default_rng(count)
    found = [
        judge(runs(generator, count, 1.0, 0.054), runs(generator, count, 1.0, 0.054), (), floor=floor).outcome
        for _ in range(EXPERIMENTS)
    ]
    assert sum(one in (Outcome.FASTER, Outcome.SLOWER) for one in found) / EXPERIMENTS <= MOST_FALSE


@pytest.mark.parametrize("count", [FEWEST_GROUPS, 5, 6])
def test_four_groups_in_lockstep_are_enough(count: int) -> None:
    generator = np.random.default_rng(count)
    equal = [in_lockstep(generator, count, 1.0) for _ in range(EXPERIMENTS)]
    assert sum(one is not Outcome.NO_DIFFERENCE for one in equal) / EXPERIMENTS <= MOST_FALSE
    slower = [in_lockstep(generator, count, 1.1) for _ in range(EXPERIMENTS)]
    assert sum(one is Outcome.SLOWER for one in slower) / EXPERIMENTS >= 0.9


def test_the_runs_that_are_said_to_be_missing_find_the_difference() -> None:
    generator = np.random.default_rng(13)
    more = ratio_interval(runs(generator, 4, 1.0, 0.03), runs(generator, 4, 1.0, 0.03)).more_runs(0.05)
    assert more > 0
    found = [
        judge(runs(generator, 4 + more, 1.0, 0.03), runs(generator, 4 + more, 1.05, 0.03), ()).outcome
        for _ in range(EXPERIMENTS)
    ]
    assert sum(one is Outcome.SLOWER for one in found) / EXPERIMENTS >= 0.7
