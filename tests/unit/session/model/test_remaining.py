"""The remaining time: what it holds, and how wide its interval is."""

from __future__ import annotations

import random
from collections.abc import Callable
from itertools import count

import pytest

from profilednn_tui.protocol.events import StepsEvent, TotalEvent
from profilednn_tui.session.model.remaining import (
    Part,
    RemainingSeries,
    border_pauses,
    recurring_pauses,
    student_95,
)
from profilednn_tui.session.view import Remaining

EPOCHS, STEPS, STEP_S = 20, 50, 0.02
SOURCE = "for epoch in range(20), train.py:40"


def no_pause(epoch: int) -> float:
    return 0.0


class Run:
    """A training of known course, and the moment at which it ends."""

    def __init__(self, pause_s: Callable[[int], float], noise: float = 0.0, drift: float = 0.0, seed: int = 0) -> None:
        """`pause_s`: after an epoch, counted from 1; `drift`: of the pace, relative, over the whole run."""
        chance = random.Random(seed)
        self.rows: list[tuple[float, float]] = []
        now_s, pending_s = 1000.0, 0.0
        for number in range(EPOCHS * STEPS):
            pace_s = STEP_S * (1 + drift * number / (EPOCHS * STEPS))
            duration_s = pending_s + pace_s * (1 + noise * chance.gauss(0, 1)) + (1.0 if number == 0 else 0.0)
            now_s += duration_s
            self.rows.append((now_s, duration_s))
            pending_s = pause_s(number // STEPS + 1) if number % STEPS == STEPS - 1 else 0.0
        self.end_s = now_s + pending_s

    def after(self, steps: int, since_s: float = 0.0, budget_percent: float = 0.0) -> Remaining:
        """What is known after some steps, and some time."""
        series = RemainingSeries()
        for number, (end_s, duration_s) in zip(count(1), self.rows[:steps], strict=False):
            row = [int(end_s * 1e9), int(duration_s * 1e9), *[0] * 8, None, 0]
            series.add_steps(StepsEvent(number, [row]))
            if number % STEPS == 1:
                series.add_total(
                    TotalEvent(number, number // STEPS, EPOCHS, 1, STEPS, number, -1, SOURCE, "", int(end_s * 1e9))
                )
        return series.view(int((self.rows[steps - 1][0] + since_s) * 1e9), budget_percent, None)

    def interval_s(self, steps: int) -> tuple[float, float]:
        """The interval after some steps."""
        found = self.after(steps)
        assert found.low_s is not None
        assert found.high_s is not None
        return found.low_s, found.high_s

    def seconds(self, steps: int, since_s: float = 0.0, budget_percent: float = 0.0) -> float:
        """The middle."""
        found = self.after(steps, since_s, budget_percent).seconds
        assert found is not None
        return found

    def truth_s(self, steps: int) -> float:
        """How long it takes after some steps."""
        return self.end_s - self.rows[steps - 1][0]


def test_it_is_unknown_until_a_validation_was_seen() -> None:
    run = Run(lambda epoch: 0.3)
    before, after = run.after(STEPS), run.after(STEPS + 1)
    assert before.seconds is None
    assert before.reason == "what lies between two epochs has not been seen yet"
    assert before.source == SOURCE
    assert after.seconds is not None
    assert after.reason == ""
    assert (after.epochs, after.steps) == (EPOCHS, EPOCHS * STEPS)


@pytest.mark.parametrize("steps", [100, 250, 500, 750, 999])
def test_validations_are_included(steps: int) -> None:
    run = Run(lambda epoch: 0.5)
    assert run.after(steps).seconds == pytest.approx(run.truth_s(steps), rel=0.01)


def test_a_checkpoint_that_has_been_seen_twice_comes_again_in_time() -> None:
    run = Run(lambda epoch: 0.3 + 2.0 * (epoch % 4 == 0))
    assert run.after(501).seconds == pytest.approx(run.truth_s(501), rel=0.02)


def test_a_checkpoint_that_has_been_seen_once_widens_the_interval() -> None:
    run, plain = Run(lambda epoch: 0.3 + 2.0 * (epoch % 4 == 0)), Run(lambda epoch: 0.3)
    (low_s, high_s), (plain_low_s, plain_high_s) = run.interval_s(251), plain.interval_s(251)
    assert low_s < run.truth_s(251) < high_s
    assert high_s - low_s > 2 * (plain_high_s - plain_low_s)


def test_validation_every_second_epoch_is_expected_every_second_epoch() -> None:
    run = Run(lambda epoch: 0.8 * (epoch % 2 == 0))
    assert run.after(501).seconds == pytest.approx(run.truth_s(501), rel=0.02)


def test_the_interval_narrows_while_the_run_confirms_it() -> None:
    run = Run(lambda epoch: 0.3, noise=0.05)
    widths = []
    for steps in (101, 301, 601):
        low_s, high_s = run.interval_s(steps)
        widths.append((high_s - low_s) / (high_s + low_s))
    assert widths == sorted(widths, reverse=True)
    assert widths[0] < 0.15


@pytest.mark.parametrize("drift", [-0.1, 0.0, 0.1])
def test_intervals_hold_the_truth_of_noisy_and_drifting_runs(drift: float) -> None:
    held = 0
    for seed in range(20):
        run = Run(lambda epoch: 0.3, noise=0.1, drift=drift, seed=seed)
        low_s, high_s = run.interval_s(301)
        held += low_s <= run.truth_s(301) <= high_s
    assert held >= 18


def test_during_a_validation_the_time_goes_on_but_not_below_what_follows() -> None:
    run = Run(lambda epoch: 0.5)
    now_s, later_s, late_s = (run.seconds(500, since_s) for since_s in (0.0, 0.2, 30.0))
    assert now_s - later_s == pytest.approx(0.2)
    assert now_s - late_s == pytest.approx(0.5 + STEP_S, rel=0.01)


def test_the_agent_may_use_its_budget_or_not() -> None:
    run = Run(no_pause)
    without, with_budget = run.after(301), run.after(301, budget_percent=10.0)
    assert run.seconds(301, budget_percent=10.0) == pytest.approx(run.seconds(301) * 1.05)
    assert (with_budget.high_s or 0.0) - (without.high_s or 0.0) > 0.05 * run.seconds(301)


def test_too_few_steps_tell_nothing() -> None:
    series = RemainingSeries()
    for number in range(1, 9):
        series.add_steps(StepsEvent(number, [[number * 10**9, 10**9, *[0] * 8, None, 0]]))
    series.add_total(TotalEvent(8, 0, 1, 8, 100, 1, -1, SOURCE, "", 1))
    assert series.view(0, 0.0, None).reason == "there are too few steps so far"


def test_a_recording_whose_steps_go_back_is_no_trouble() -> None:
    series = RemainingSeries()
    for number, duration_ns in (
        (50, 10),
        (60, 10),
        (54, 900),
        (51, 900),
        (-3, 900),
        *((place, 0) for place in range(9)),
    ):
        series.add_steps(StepsEvent(number, [[-number, duration_ns, *[0] * 8, None, 0]] * 5))
    for number, step in ((0, 60), (1, 3), (2, -(10**9))):
        series.add_total(TotalEvent(step, number, EPOCHS, 1, STEPS, step, -1, SOURCE, "", 1))
    assert series.view(10**18, 2.0, None).source == SOURCE


def test_pauses_that_come_at_random_are_expected_at_their_rate() -> None:
    found = recurring_pauses([(3, 1.0), (40, 1.0), (50, 1.0), (90, 1.0)], 100, 100.0)
    assert found.ns == pytest.approx(100 / 29)
    assert found.half_ns > 3
    assert recurring_pauses([], 100, 100.0) == Part(0.0, 0.0)


def test_one_pause_says_little_about_the_next() -> None:
    found = recurring_pauses([(25, 1.0)], 30, 100.0)
    assert found == Part(4.0, 4.0)


def test_border_pauses_of_two_kinds_are_told_apart() -> None:
    third = border_pauses([1.0, 1.0, 3.0, 1.0, 1.0, 3.0, 1.0, 1.0], 10)
    assert third.ns == pytest.approx(10 + 4 * 2.0)
    second = border_pauses([0.0, 3.0, 0.0, 3.0, 0.0, 3.0], 10)
    assert second == Part(15.0, 0.0)


@pytest.mark.parametrize(("degrees", "quantile"), [(4, 2.776), (5, 2.571), (9, 2.262), (30, 2.042)])
def test_the_quantiles_are_those_of_tables(degrees: int, quantile: float) -> None:
    assert student_95(degrees) == pytest.approx(quantile, rel=0.003)


def test_the_first_steps_of_epochs_are_known() -> None:
    series = RemainingSeries()
    for number in range(1, 120):
        series.add_steps(StepsEvent(number, [[number * 10**9, 10**9, *[0] * 8, None, 0]]))
        if number % STEPS == 1:
            series.add_total(TotalEvent(number, number // STEPS, EPOCHS, 1, STEPS, number, -1, SOURCE, "", 1))
    assert series.epoch_starts[-2:] == (51, 101)
