"""When windows open."""

from __future__ import annotations

from profilednn_tui.agent.windows.budget import (
    FAILURES,
    GRANTED_STEPS,
    GRANTED_STEPS_LATE,
    MAX_ON_CREDIT,
    WindowBudget,
)

MS = 1_000_000
SECOND = 1_000 * MS


def after_the_grants(cost_ns: int, budget_percent: float = 2.0) -> WindowBudget:
    budget = WindowBudget(budget_percent)
    for steps in GRANTED_STEPS:
        assert budget.due(steps, SECOND // 2, 0)
        budget.closed(cost_ns, steps * MS)
    return budget


def test_no_window_in_the_first_step() -> None:
    assert not WindowBudget(2.0).due(1, SECOND, 0)


def test_the_budget_pays_the_first_windows_back() -> None:
    budget = after_the_grants(cost_ns=10 * MS)

    assert not budget.due(50, SECOND, 0), "30 ms would be 3 % of a second"
    assert budget.due(100, 1_600 * MS, 0)


def test_over_a_long_run_the_cost_stays_in_the_budget() -> None:
    budget = after_the_grants(cost_ns=10 * MS)
    for step in range(100, 6_000):
        elapsed_ns = step * 10 * MS
        if budget.due(step, elapsed_ns, 0):
            budget.closed(10 * MS, elapsed_ns)

    assert 0.015 < budget.spent_ns / (60 * SECOND) <= 0.02


def test_what_hooks_cost_is_taken_from_the_windows() -> None:
    budget = after_the_grants(cost_ns=10 * MS)

    assert not budget.due(100, 1_600 * MS, other_cost_ns=10 * MS)


def test_costly_hooks_leave_a_tenth_to_the_windows() -> None:
    budget = after_the_grants(cost_ns=1 * MS)

    assert budget.due(100, 2 * SECOND, other_cost_ns=SECOND)


def test_in_a_long_run_windows_come_rarely() -> None:
    budget = after_the_grants(cost_ns=1)
    elapsed_ns = 10_000 * SECOND
    assert budget.due(10, elapsed_ns, 0)
    budget.closed(1, elapsed_ns)

    assert not budget.due(11, elapsed_ns + 49 * SECOND, 0)
    assert budget.due(11, elapsed_ns + 51 * SECOND, 0)


def test_most_of_the_steps_are_plain_however_long_they_are() -> None:
    """Found with the demo, whose steps take seconds: windows were cheap, one of sixteen steps was left to be judged."""
    budget = WindowBudget(2.0)
    windows: list[int] = []
    for ended in range(1, 31):
        since = ended - (windows[-1] if windows else -1)
        if ended not in windows and budget.due(ended, 5 * ended * SECOND, 0, since=since):
            budget.closed(10 * MS, 5 * (ended + 1) * SECOND)
            windows.append(ended + 1)

    assert windows == [3, 5, 11, 17, 23, 29]


def test_paused_or_without_budget_there_is_no_window() -> None:
    paused = WindowBudget(2.0)
    paused.paused = True

    assert not paused.due(2, SECOND, 0)
    assert not WindowBudget(0.0).due(2, SECOND, 0)


def test_a_window_wanted_now_comes_once_even_when_paused() -> None:
    budget = WindowBudget(0.0)
    budget.paused = True
    budget.want_now()

    assert budget.due(2, SECOND, 0)
    assert not budget.due(3, SECOND, 0)


def test_the_first_window_takes_at_most_a_tenth_of_the_run() -> None:
    budget = WindowBudget(2.0)

    assert not budget.due(2, 2 * MS, 0, run_ns=200 * MS, step_ns=1 * MS), "about 23 ms"
    assert budget.due(2, 2 * MS, 0, run_ns=231 * MS, step_ns=1 * MS)


def test_the_next_window_on_credit_waits_for_a_tenth_of_the_training() -> None:
    budget = WindowBudget(2.0)
    assert budget.due(2, 2 * MS, 0, run_ns=10 * SECOND)
    budget.closed(20 * MS, 2 * MS)

    assert not budget.due(5, 5 * MS, 0, run_ns=10 * SECOND)
    assert not budget.due(399, 399 * MS, 0)
    assert budget.due(401, 401 * MS, 0)


def test_windows_on_credit_never_take_more_than_a_tenth_of_a_short_training() -> None:
    for cost_ns in (1 * MS, 5 * MS, 40 * MS):
        budget = WindowBudget(2.0)
        for step in range(1, 3_000):
            if budget.due(step, step * MS, 0, run_ns=step * MS, step_ns=cost_ns // 3):
                budget.closed(cost_ns, step * MS)
                assert budget.spent_ns <= step * MS / 10
        assert budget.windows


def test_in_a_process_that_has_run_for_long_a_window_opens_as_we_come() -> None:
    assert WindowBudget(2.0, GRANTED_STEPS_LATE, before_ns=3600 * SECOND).due(0, 0, 0)


def test_a_window_that_fails_is_booked_and_not_tried_at_once() -> None:
    budget = WindowBudget(2.0)
    assert budget.due(2, SECOND, 0)
    budget.failed(50 * MS, SECOND)

    assert budget.spent_ns == 50 * MS
    assert budget.windows == 0
    assert not any(budget.due(step, SECOND - 2 * MS, 0) for step in range(3, 20))
    assert budget.due(20, SECOND + MS, 0)


def test_windows_are_given_up_after_some_failures_in_a_row() -> None:
    budget = WindowBudget(50.0)
    for number in range(1, FAILURES + 1):
        assert budget.due(10 * number, number * SECOND, 0)
        budget.failed(MS, number * SECOND)

    assert budget.given_up
    assert not budget.due(1_000, 3600 * SECOND, 0)
    budget.want_now()
    assert budget.due(1_000, 3600 * SECOND, 0)


def test_a_window_that_succeeds_forgives_the_failures_before() -> None:
    budget = WindowBudget(50.0)
    for number in range(1, 10):
        budget.failed(MS, number * SECOND)
        budget.closed(MS, number * SECOND)

    assert not budget.given_up


def test_a_window_closed_early_is_booked_and_is_no_failure() -> None:
    budget = WindowBudget(2.0)
    for number in range(FAILURES):
        budget.lost(10 * MS, number * SECOND)

    assert budget.spent_ns == FAILURES * 10 * MS
    assert not budget.given_up


def test_when_the_pace_has_changed_a_window_need_not_wait() -> None:
    budget = after_the_grants(cost_ns=10 * MS)
    budget.closed(10 * MS, 2 * SECOND)

    assert not budget.due(300, 2_100 * MS, 0)
    assert budget.due(300, 2_100 * MS, 0, stale=True)


def test_a_pace_that_changes_for_ever_does_not_spend_more_than_the_budget() -> None:
    budget = WindowBudget(2.0)
    for step in range(1, 6_000):
        if budget.due(step, step * 10 * MS, 0, stale=True):
            budget.closed(10 * MS, step * 10 * MS)

    assert budget.windows > MAX_ON_CREDIT
    assert budget.spent_ns / (60 * SECOND) <= 0.02
