"""What happens to windows that fail."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest
import torch

from profilednn_tui.agent.isolation.guard import Guard
from profilednn_tui.agent.steps.timeline import Timeline
from profilednn_tui.agent.windows import window as module
from profilednn_tui.agent.windows.budget import FAILURES, WindowBudget
from profilednn_tui.agent.windows.torch_profiler import TorchProfiler
from profilednn_tui.agent.windows.window import Windows
from profilednn_tui.protocol.events import NoticeEvent, StepsEvent, WindowEvent

MS = 1_000_000
SECOND = 1_000 * MS


class Fixture:
    """Windows on this thread, and the events they report."""

    def __init__(self) -> None:
        self.errors: list[Any] = []
        self.profiler = TorchProfiler(torch, Guard(self.errors.append))
        self.reported: list[Any] = []
        self.traces: list[Any] = []
        self.windows = Windows(
            self.profiler, WindowBudget(50.0), dict, Timeline(), self.reported.append, self.traces.append
        )

    def take(self, step: int = 3) -> int:
        flags = self.windows.start(step * SECOND)
        if self.windows.begun:
            torch.ones(2, 2) + 1
            self.windows.finish(step, 5 * MS, step * SECOND)
        return flags

    def of(self, kind: type[Any]) -> list[Any]:
        return [event for event in self.reported if isinstance(event, kind)]


@pytest.fixture
def fixture() -> Iterator[Fixture]:
    made = Fixture()
    yield made
    made.profiler.remove()
    gc.enable()


def broken(*arguments: Any) -> Any:
    raise ValueError("two\nlines")


def test_no_window_opens_at_the_boundary_at_which_one_has_closed(fixture: Fixture) -> None:
    """Found as a crash: torch writes the end of an operator around the boundary into the closed window's memory."""
    fixture.take(step=3)
    fixture.windows.budget.want_now()
    assert not fixture.windows.due(3, 3 * SECOND, 0, 3 * SECOND)
    assert fixture.windows.due(4, 4 * SECOND, 0, 4 * SECOND)


def test_the_first_window_of_an_attached_agent_may_open_at_once(fixture: Fixture) -> None:
    fixture.windows.budget.want_now()
    assert fixture.windows.due(0, 0, 0, SECOND)


def test_a_window_that_goes_well_is_reported(fixture: Fixture) -> None:
    assert fixture.take() == StepsEvent.PROFILED
    (window,) = fixture.of(WindowEvent)
    assert window.step == 3
    assert fixture.windows.budget.spent_ns == window.cost_ns > 0
    assert not fixture.of(NoticeEvent)


@pytest.mark.parametrize("part", ["summarize", "start", "stop"])
def test_a_window_that_fails_is_booked_and_told_in_one_sentence(
    fixture: Fixture, part: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    if part == "summarize":
        monkeypatch.setattr(module, "summarize", broken)
    elif part == "start":
        monkeypatch.setattr(torch.autograd.profiler.profile, "_start_trace", broken)
    else:
        monkeypatch.setattr(torch.autograd.profiler, "_run_on_profiler_stop", broken)

    flags = fixture.take()

    assert flags == (StepsEvent.DISTURBED if part == "start" else StepsEvent.PROFILED)
    assert not fixture.windows.open
    assert not fixture.profiler.busy(), "the profiler is off"
    budget = fixture.windows.budget
    assert (budget.windows, budget.failures) == (0, 1)
    assert budget.spent_ns > 0
    (notice,) = fixture.of(NoticeEvent)
    assert notice.code == "window_failed"
    assert "(ValueError: two lines, test_window.py line " in notice.text
    assert "\n" not in notice.text
    assert not fixture.errors, "no error of the agent, which gives everything up after some"


def test_after_some_failures_windows_are_given_up_and_steps_are_not(
    fixture: Fixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "summarize", broken)
    for step in range(FAILURES):
        fixture.take(step + 2)

    assert fixture.windows.budget.given_up
    last = fixture.of(NoticeEvent)[-1]
    assert last.text.startswith("operator windows were given up after 3 failures in a row (ValueError: ")
    assert last.text.endswith("steps, phases and losses are still recorded, operators are not")


def test_a_window_after_a_failure_is_whole(fixture: Fixture, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patched:
        patched.setattr(torch.autograd.profiler.profile, "_start_trace", broken)
        fixture.take(2)
    fixture.take(4)

    (window,) = fixture.of(WindowEvent)
    assert "aten::add" in window.strings
    assert fixture.windows.budget.failures == 0


def test_without_the_join_there_are_operators_all_the_same(fixture: Fixture, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "join", broken)
    log = SimpleNamespace(start=lambda: None, stop=list, remove=lambda: None, forget=lambda: None)
    monkeypatch.setattr(fixture.profiler, "onednn_log", log)
    fixture.take(2)
    fixture.take(4)

    assert len(fixture.of(WindowEvent)) == 2
    (notice,) = fixture.of(NoticeEvent)
    assert notice.text.startswith("oneDNN primitives cannot be joined to operators (ValueError: two lines, ")


def test_a_window_closed_early_is_booked_and_no_failure(fixture: Fixture) -> None:
    fixture.windows.start(SECOND)
    fixture.windows.give_up()
    fixture.windows.finish(3, 5 * MS, SECOND)

    budget = fixture.windows.budget
    assert budget.spent_ns > 0
    assert (budget.windows, budget.failures) == (0, 0)
    assert fixture.reported == []


def test_the_programs_own_profiler_is_told_and_is_no_failure(fixture: Fixture) -> None:
    fixture.windows.start(SECOND)
    with torch.profiler.profile(activities=[torch.profiler.ProfilerActivity.CPU]):
        fixture.windows.finish(3, 5 * MS, SECOND)

    assert fixture.windows.budget.failures == 0
    assert [notice.code for notice in fixture.of(NoticeEvent)] == ["foreign_profiler"]


def test_steps_that_have_grown_ask_for_a_window(fixture: Fixture) -> None:
    windows = fixture.windows
    for _ in range(10):
        windows.add_plain_step(10 * MS)
    for step in (11, 12, 13):
        fixture.take(step)
    for _ in range(12):
        windows.add_plain_step(10 * MS)
    assert not windows.due(25, 13 * SECOND + 240 * MS, 0, 0), "the interval has not passed"
    for _ in range(12):
        windows.add_plain_step(30 * MS)
    assert windows.due(37, 13 * SECOND + 400 * MS, 0, 0)
