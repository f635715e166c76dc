"""When windows open."""

from __future__ import annotations

from profilednn_tui.agent.schedule import GRANTED_STEPS, Schedule

MS = 1_000_000
SECOND = 1_000 * MS


def after_the_grants(cost_ns: int, budget_percent: float = 2.0) -> Schedule:
    schedule = Schedule(budget_percent)
    for steps in GRANTED_STEPS:
        assert schedule.due(steps, steps * MS, 0)
        schedule.closed(cost_ns, steps * MS)
    return schedule


def test_no_window_in_the_first_step() -> None:
    assert not Schedule(2.0).due(1, SECOND, 0)


def test_the_budget_pays_the_first_windows_back() -> None:
    schedule = after_the_grants(cost_ns=10 * MS)

    assert not schedule.due(50, SECOND, 0), "30 ms would be 3 % of a second"
    assert schedule.due(100, 1_600 * MS, 0)


def test_over_a_long_run_the_cost_stays_in_the_budget() -> None:
    schedule = after_the_grants(cost_ns=10 * MS)
    for step in range(10, 6_000):
        elapsed_ns = step * 10 * MS
        if schedule.due(step, elapsed_ns, 0):
            schedule.closed(10 * MS, elapsed_ns)

    assert 0.015 < schedule.spent_ns / (60 * SECOND) <= 0.02


def test_what_hooks_cost_is_taken_from_the_windows() -> None:
    schedule = after_the_grants(cost_ns=10 * MS)

    assert not schedule.due(100, 1_600 * MS, other_cost_ns=10 * MS)


def test_costly_hooks_leave_a_tenth_to_the_windows() -> None:
    schedule = after_the_grants(cost_ns=1 * MS)

    assert schedule.due(100, 2 * SECOND, other_cost_ns=SECOND)


def test_in_a_long_run_windows_come_rarely() -> None:
    schedule = after_the_grants(cost_ns=1)
    elapsed_ns = 10_000 * SECOND
    assert schedule.due(10, elapsed_ns, 0)
    schedule.closed(1, elapsed_ns)

    assert not schedule.due(11, elapsed_ns + 49 * SECOND, 0)
    assert schedule.due(11, elapsed_ns + 51 * SECOND, 0)


def test_paused_or_without_budget_there_is_no_window() -> None:
    paused = Schedule(2.0)
    paused.paused = True

    assert not paused.due(2, SECOND, 0)
    assert not Schedule(0.0).due(2, SECOND, 0)


def test_a_window_wanted_now_comes_once_even_when_paused() -> None:
    schedule = Schedule(0.0)
    schedule.paused = True
    schedule.want_now()

    assert schedule.due(2, SECOND, 0)
    assert not schedule.due(3, SECOND, 0)
