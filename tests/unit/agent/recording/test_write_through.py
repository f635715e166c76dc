"""Steps written as soon as they end."""

from __future__ import annotations

import itertools

import pytest

from profilednn_tui.agent.recording import write_through
from profilednn_tui.agent.recording.write_through import CREDIT_NS, WriteThrough


@pytest.fixture(autouse=True)
def child(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(write_through, "is_child_of_multiprocessing", lambda: True)


def test_waiting_for_a_processor_does_not_use_the_budget_up(monkeypatch: pytest.MonkeyPatch) -> None:
    # Found under load: after some slow writes, the last steps of a worker that was killed by its pool were lost.
    written: list[int] = []

    clock = itertools.count(1, CREDIT_NS)
    monkeypatch.setattr(write_through, "perf_counter_ns", lambda: next(clock))
    monkeypatch.setattr(write_through, "thread_time_ns", lambda: 0)
    through = WriteThrough(lambda: written.append(len(written)))
    for _ in range(3):
        through()
    assert len(written) == 3


def test_writes_that_cost_too_much_stop(monkeypatch: pytest.MonkeyPatch) -> None:
    written: list[int] = []
    spent_ns = iter(range(0, 10 * CREDIT_NS, CREDIT_NS))
    monkeypatch.setattr(write_through, "thread_time_ns", lambda: next(spent_ns))
    through = WriteThrough(lambda: written.append(1))
    for _ in range(9):
        through()
    assert len(written) == 2


def test_a_process_of_its_own_is_left_to_the_writer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(write_through, "is_child_of_multiprocessing", lambda: False)
    through = WriteThrough(lambda: pytest.fail("it was written"))
    through()
