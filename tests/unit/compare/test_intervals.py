"""The basis of the interval and the verdict. How often they are right: `tests/process/test_intervals.py`."""

from __future__ import annotations

import numpy as np
import pytest

from profilednn_tui.compare.intervals import FEWEST_PAIRS, Interval, _signed_rank_place, ratio_interval
from profilednn_tui.compare.verdict import Outcome, Verdict, judge
from profilednn_tui.session.spread import BETWEEN_SESSIONS, WITHIN_EXPERIMENT, Spread
from tests.unit.compare.sides import MS, in_lockstep, noisy, runs, settled


def test_a_run_in_a_wrong_state_does_not_hide_a_difference() -> None:
    generator = np.random.default_rng(7)
    sides = [
        [settled(run.durations_ns, ("experiment", block)) for block, run in enumerate(runs(generator, 8, of, 0.01))]
        for of in (1.0, 1.1)
    ]
    sides[1][3] = settled(sides[1][3].durations_ns * 1.5, ("experiment", 3))
    interval = ratio_interval(sides[0], sides[1])
    assert 1 < interval.low < 1.1 < interval.high
    assert interval.ratio == pytest.approx(1.1, abs=0.03)


def test_turns_of_different_experiments_are_no_pairs() -> None:
    generator = np.random.default_rng(8)
    sides = [
        [settled(run.durations_ns, (name, block)) for block, run in enumerate(runs(generator, 8, 1.0, 0.02))]
        for name in ("first", "second")
    ]
    alone = [[settled(run.durations_ns) for run in side] for side in sides]
    assert ratio_interval(sides[0], sides[1]) == ratio_interval(alone[0], alone[1])


def test_many_steps_do_not_make_up_for_few_runs() -> None:
    """Runs vary by 5 %: a thousand steps each that hardly vary do not make their difference significant."""
    generator = np.random.default_rng(1)
    sides = [
        [settled(noisy(generator, 1000, 20 * MS * factor, 0.001)) for factor in (1.0, 1.05, 0.97, 1.02, 1.06)]
        for _ in "ab"
    ]
    interval = ratio_interval(sides[0], sides[1])
    assert interval.low < 0.97
    assert interval.high > 1.03


def test_one_run_per_side_is_never_judged() -> None:
    """Found: of identical variants with one run each, one was "faster -13.8 %"."""
    generator = np.random.default_rng(2)
    verdict = judge([settled(noisy(generator, 500))], [settled(noisy(generator, 500, 60 * MS))], ())
    assert verdict.outcome is Outcome.NOT_JUDGED
    assert verdict.is_regression(0.05) is None
    interval = verdict.interval
    assert interval is not None
    assert interval.assumed
    assert np.log(interval.high / interval.low) / 2 == pytest.approx(1.96 * np.sqrt(2) * 0.075, rel=0.2)
    assert interval.more_runs(0.05) > 10


def test_a_large_difference_is_found_with_three_runs() -> None:
    generator = np.random.default_rng(11)
    verdict = judge(runs(generator, 3, 1.0, 0.02), runs(generator, 3, 1.5, 0.02), (), floor=WITHIN_EXPERIMENT)
    assert verdict.outcome is Outcome.SLOWER
    assert verdict.is_regression(0.05)


def test_a_machine_that_is_known_to_be_quiet_needs_fewer_runs() -> None:
    generator = np.random.default_rng(12)
    first, second = runs(generator, 3, 1.0, 0.005), runs(generator, 3, 1.06, 0.005)
    assert judge(first, second, (), floor=BETWEEN_SESSIONS).outcome is Outcome.NO_DIFFERENCE
    assert judge(first, second, (), floor=Spread(0.008, 40)).outcome is Outcome.SLOWER


@pytest.mark.parametrize("count", [2, 3, 4, 8])
def test_sides_of_different_times_differ_as_a_whole(count: int) -> None:
    # Found by resampling: of equal runs, four in a row against four of another time had a verdict in 14 %.
    generator = np.random.default_rng(count)
    first, second = runs(generator, count, 1.0, 0.01), runs(generator, count, 1.12, 0.01)
    together, apart = judge(first, second, ()), judge(first, second, (), apart=True)
    assert apart.outcome is Outcome.NO_DIFFERENCE
    assert together.interval is not None
    assert apart.interval is not None
    assert apart.interval.high / apart.interval.low > together.interval.high / together.interval.low
    assert apart.interval.more_runs(0.05) >= 900, "more runs of the same two times would not help"
    assert judge(runs(generator, 8, 1.0, 0.01), runs(generator, 8, 1.6, 0.01), (), apart=True).outcome is Outcome.SLOWER


def test_sides_of_different_times_whose_runs_differ_as_much_are_as_usual() -> None:
    generator = np.random.default_rng(5)
    first, second = runs(generator, 8, 1.0, 0.15), runs(generator, 8, 1.0, 0.15)
    assert ratio_interval(first, second, apart=True) == ratio_interval(first, second)


@pytest.mark.parametrize(("count", "place"), [(6, 1), (7, 3), (8, 4), (10, 9), (20, 53), (50, 435), (60, 649)])
def test_the_interval_of_pairs_is_that_of_the_signed_rank_test(count: int, place: int) -> None:
    """Critical values of Wilcoxon's test at 5 % on both sides are 0, 2, 3, 8, 52 and 434; for 60, the normal one."""
    assert _signed_rank_place(count) == place


def test_three_groups_in_lockstep_are_not_judged() -> None:
    assert in_lockstep(np.random.default_rng(3), 3, 2.0) is Outcome.NOT_JUDGED


def test_what_others_took_widens_the_interval_of_few_runs() -> None:
    """Found: of two equal runs, the first shared 15 % of the cores with others, and the second looked 13 % faster."""
    generator = np.random.default_rng(6)
    first, second = ([settled(noisy(generator, 40, ms * MS)) for _ in range(3)] for ms in (41.6, 32.0))
    assert judge(first, second, (), others=(0.15, 0.0)).outcome is Outcome.NO_DIFFERENCE
    assert judge(first, second, ()).outcome is Outcome.FASTER


@pytest.mark.parametrize(
    ("low", "ratio", "high", "regression"),
    [(1.06, 1.08, 1.10, True), (0.99, 1.01, 1.03, False), (1.01, 1.02, 1.03, False), (0.9, 1.02, 1.15, None)],
)
def test_a_regression_is_told_where_these_runs_can_tell(
    low: float, ratio: float, high: float, regression: bool | None
) -> None:
    outcome = Outcome.SLOWER if low > 1 else Outcome.NO_DIFFERENCE
    assert Verdict(outcome, 1.0, ratio, Interval(ratio, low, high, runs=8)).is_regression(0.05) is regression


def test_runs_that_are_equal_to_the_last_digit_have_an_interval_of_no_width() -> None:
    turns = [("experiment", block) for block in range(FEWEST_PAIRS)]
    for known in (turns, [None] * FEWEST_PAIRS):
        sides = [[settled(np.full(20, step_ms * MS), turn) for turn in known] for step_ms in (20, 40)]
        interval = ratio_interval(sides[0], sides[1])
        assert (interval.ratio, interval.low, interval.high) == pytest.approx((2, 2, 2))
        assert interval.smallest_difference == pytest.approx(0)


def test_the_same_runs_give_the_same_interval() -> None:
    generator = np.random.default_rng(3)
    first, second = runs(generator, 5, 1.0, 0.02), runs(generator, 5, 1.02, 0.02)
    assert ratio_interval(first, second) == ratio_interval(first, second)


@pytest.mark.parametrize(
    ("slower", "outcome"), [(0.8, Outcome.FASTER), (1.0, Outcome.NO_DIFFERENCE), (1.25, Outcome.SLOWER)]
)
def test_the_verdict_follows_from_the_interval(slower: float, outcome: Outcome) -> None:
    generator = np.random.default_rng(4)
    verdict = judge(runs(generator, 6, 1.0, 0.01), runs(generator, 6, slower, 0.01), ())
    assert verdict.outcome is outcome
    assert verdict.is_regression(0.05) == (outcome is Outcome.SLOWER)
    assert not verdict.is_regression(0.5)


def test_a_reason_against_the_comparison_wins_over_any_interval() -> None:
    generator = np.random.default_rng(5)
    verdict = judge(runs(generator, 6, 1.0, 0.01), runs(generator, 6, 2.0, 0.01), ("different machines",))
    assert verdict.outcome is Outcome.NOT_COMPARABLE
    assert verdict.interval is not None
    assert not verdict.is_regression(0.05)
