"""The CPUs of training processes."""

from __future__ import annotations

import os

import pytest

from profilednn_tui.collect.affinity import AffinityReader
from tests.unit.collect.samples import process, sample, thread


def test_the_cpus_of_a_process_are_those_of_its_computing_threads_together(monkeypatch: pytest.MonkeyPatch) -> None:
    """An OpenMP runtime that pins threads leaves the main thread a single CPU."""
    cpus = {7: {0}, 8: {1}, 9: {0, 1, 2, 3}}
    monkeypatch.setattr(os, "sched_getaffinity", cpus.__getitem__)
    training = process(7, {7: thread(100), 8: thread(90), 9: thread(0, name="profilednn")})
    (event,) = AffinityReader().look(sample(training, second=1, agents={7: 0}))
    assert (event.pid, event.cpus) == (7, [0, 1])


def test_cpus_are_told_when_they_change() -> None:
    me = os.getpid()
    now = sample(process(me, {me: thread()}), second=1, agents={me: None})
    reader = AffinityReader()
    (event,) = reader.look(now)
    assert event.cpus == sorted(os.sched_getaffinity(0))
    assert reader.look(now) == []


def test_processes_without_an_agent_are_not_looked_at() -> None:
    me = os.getpid()
    assert AffinityReader().look(sample(process(me, {me: thread()}), second=1)) == []
