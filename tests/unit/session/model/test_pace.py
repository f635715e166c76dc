"""Windows that no longer represent the run."""

from __future__ import annotations

from collections.abc import Sequence

from profilednn_tui.protocol.events import StepsEvent
from profilednn_tui.session.model.process import Process
from profilednn_tui.session.model.steps import KEPT_STEPS
from profilednn_tui.session.view import Operators, PaceChange
from profilednn_tui.session.words import change_words, gap_words, windows_words
from tests.unit.session import recordings as r

MS = 1_000_000


def process(durations_ms: Sequence[float], windows: Sequence[int]) -> Process:
    """A process with steps of these durations and windows at some of them."""
    made = Process(r.hello(), r.PID)
    for number, step in enumerate(windows, start=1):
        made.windows.add(r.window(number, step=step))
    for number, duration_ms in enumerate(durations_ms, start=1):
        flags = StepsEvent.PROFILED if number in windows else StepsEvent.FIRST if number == 1 else 0
        made.on_steps(StepsEvent(number, [r.step_row(number, int(duration_ms * MS), flags)]))
    return made


def test_in_a_steady_run_all_windows_stand() -> None:
    operators = process([12, 12.4, 11.8] * 40, windows=[3, 5, 60]).windows.view()
    assert operators.steps == (3, 5, 60)
    assert operators.since is None
    assert change_words(operators) == ""


def test_when_steps_have_grown_the_table_says_of_which_it_is() -> None:
    operators = process([12] * 40 + [31] * 30, windows=[3, 5]).windows.view()
    assert operators.steps == (3, 5)
    assert operators.since == PaceChange(12 * MS, 31 * MS)
    assert windows_words(operators) == "windows at steps 3 and 5"
    assert change_words(operators) == "steps have since grown from 12.0 ms to 31.0 ms"


def test_when_steps_have_shrunk_it_says_so_as_well() -> None:
    operators = process([31] * 40 + [12] * 30, windows=[20]).windows.view()
    assert change_words(operators) == "steps have since shrunk from 31.0 ms to 12.0 ms"


def test_windows_of_another_pace_are_not_merged() -> None:
    operators = process([12] * 40 + [31] * 60, windows=[3, 5, 70, 90]).windows.view()
    assert operators.steps == (70, 90)
    assert operators.since is None


def test_without_a_window_of_the_present_pace_those_of_the_newest_window_are_merged() -> None:
    durations = [12] * 40 + [31] * 60 + [80] * 30
    operators = process(durations, windows=[3, 70, 90]).windows.view()
    assert operators.steps == (70, 90)
    assert change_words(operators) == "steps have since grown from 31.0 ms to 80.0 ms"


def test_a_window_at_the_change_stands_for_neither_side() -> None:
    operators = process([12] * 40 + [31] * 60, windows=[41, 80]).windows.view()
    assert operators.steps == (80,)


def test_a_window_whose_two_sides_differ_is_shown_where_it_is_the_only_one() -> None:
    """Found when a host was killed just after such a window: no window was selected, and the export failed."""
    durations = [12] * 40 + [31] * 60
    assert process(durations + [80] * 30, windows=[41]).windows.view().steps == (41,)
    assert process(durations, windows=[41]).windows.view().steps == (41,)


def test_steps_of_all_lengths_leave_windows_standing() -> None:
    durations = [10 + step * 7 % 11 * 4 for step in range(300)]
    operators = process(durations, windows=[3, 100, 200]).windows.view()
    assert operators.steps == (3, 100, 200)
    assert operators.since is None


def test_some_slow_steps_are_no_change() -> None:
    assert process([12] * 60 + [31] * 4, windows=[3]).windows.view().since is None


def test_a_chosen_window_is_shown_whatever_the_pace() -> None:
    operators = process([12] * 40 + [31] * 60, windows=[3, 70]).windows.view(1)
    assert operators.steps == (3,)
    assert operators.since == PaceChange(12 * MS, 31 * MS)


def test_the_pace_around_a_window_outlives_the_steps_kept() -> None:
    made = process([12] * 100, windows=[50])
    for first in range(101, KEPT_STEPS + 500, 200):
        made.on_steps(r.steps(first, 200, duration_ns=31 * MS))
    assert made.windows.view().since == PaceChange(12 * MS, 31 * MS)


def test_a_run_of_a_few_steps_has_no_pace() -> None:
    operators = process([50, 12, 30, 90], windows=[3]).windows.view()
    assert operators.since is None
    assert operators.steps == (3,)


def test_the_view_stays_the_same_object_while_little_changes() -> None:
    made = process([12] * 40 + [31] * 30, windows=[3])
    first = made.windows.view()
    made.on_steps(r.steps(71, 1, duration_ns=31_020_000))
    assert made.windows.view() is first


def test_many_windows_are_told_by_the_first_and_the_last() -> None:
    assert windows_words(Operators(steps=(3, 5, 90, 1410))) == "4 windows at steps 3 to 1,410"
    assert windows_words(Operators(steps=(3,))) == "window at step 3"


def test_rows_that_do_not_add_up_are_told_with_the_figures() -> None:
    operators = Operators(self_ns_per_step=11.9e6, gap_ns_per_step=0.7e6)
    assert gap_words(operators) == "the rows, medians each, add up to 11.2 of 11.9 ms"
    assert gap_words(Operators(self_ns_per_step=11.9e6, gap_ns_per_step=1e3)) == ""
