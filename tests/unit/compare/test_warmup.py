from __future__ import annotations

from dataclasses import replace

import numpy as np

from profilednn_tui.compare.runs import Run
from profilednn_tui.compare.samples import common_warm_up, fair_steps
from profilednn_tui.compare.warmup import warm_up_length
from profilednn_tui.protocol.events import StepsEvent
from tests.unit.compare.sides import MS, noisy, run, view


def test_slow_first_steps_are_warm_up() -> None:
    durations = noisy(np.random.default_rng(1), 100)
    durations[:12] *= np.linspace(3, 1.3, 12)
    assert 10 <= warm_up_length(durations) <= 25


def test_a_compilation_of_a_thousand_steps_does_not_hide_the_slow_steps_after_it() -> None:
    durations = noisy(np.random.default_rng(2), 100)
    durations[0] *= 1000
    durations[1:9] *= 2
    assert 9 <= warm_up_length(durations) <= 25


def test_a_hiccup_late_in_the_run_is_no_warm_up() -> None:
    """One of the last steps takes ten times as long: the steps before it still count."""
    durations = np.full(100, 20 * MS) * np.exp(np.random.default_rng(3).normal(0, 0.001, 100))
    durations[:5] *= 2
    durations[60] *= 10
    assert warm_up_length(durations) == 5


def test_at_most_half_is_warm_up() -> None:
    assert warm_up_length(np.linspace(100, 1, 60) * MS) <= 30


def test_very_short_runs_keep_all_but_one() -> None:
    assert [warm_up_length(np.full(count, MS)) for count in (0, 1, 2, 5)] == [0, 0, 1, 1]


def test_profiled_steps_do_not_count_unless_all_were() -> None:
    base = view([20 * MS] * 4)
    mixed = replace(base, steps=replace(base.steps, flags=(StepsEvent.FIRST, 0, StepsEvent.PROFILED, 0)))
    assert fair_steps(Run("mixed", mixed)).numbers.tolist() == [2, 4]
    every = replace(base, steps=replace(base.steps, flags=(StepsEvent.PROFILED,) * 4))
    assert len(fair_steps(Run("every", every))) == 4


def test_all_runs_are_judged_on_the_same_steps() -> None:
    """The candidate compiles: its warm-up is left out of the baseline as well."""
    generator = np.random.default_rng(4)
    quick = [fair_steps(run("quick", list(noisy(generator, 80)))) for _ in range(3)]
    slow = []
    for _ in range(3):
        durations = noisy(generator, 80)
        durations[:20] *= 4
        slow.append(fair_steps(run("slow", list(durations))))
    warm_up = common_warm_up([quick, slow])
    assert 20 <= warm_up <= 40
    assert all(one.after(warm_up).numbers[0] == warm_up + 1 for one in (*quick, *slow))
