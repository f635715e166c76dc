"""The OpenMP runtimes in a memory map."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from profilednn_tui.collect import openmp
from profilednn_tui.collect.openmp import INTERVAL_S, RuntimeReader, runtimes
from profilednn_tui.collect.sample import Sample
from profilednn_tui.collect.tree import ProcessTree

SITE = "/venv/lib"
MAPS = f"""\
55e0a4c00000-55e0a4c01000 r--p 00000000 fd:00 1234                       /usr/bin/python3.11
7f1200000000-7f1200021000 rw-p 00000000 00:00 0
7f1210000000-7f1210010000 r--p 00000000 fd:00 77  {SITE}/scikit_learn.libs/libgomp-e985bcbb.so.1.0.0
7f1210010000-7f1210050000 r-xp 00010000 fd:00 77  {SITE}/scikit_learn.libs/libgomp-e985bcbb.so.1.0.0
7f1220000000-7f1220010000 r-xp 00000000 fd:00 78  {SITE}/torch/lib/libgomp-a34b3233.so.1
7f1230000000-7f1230010000 r-xp 00000000 fd:00 79  {SITE}/torch/lib/libtorch_cpu.so
7f1240000000-7f1240010000 r-xp 00000000 fd:00 80                         /opt/intel lib/libiomp5.so (deleted)
7f1250000000-7f1250010000 r-xp 00000000 fd:00 81                         /usr/lib/llvm-14/lib/libomp.so.5
7f1260000000-7f1260010000 r-xp 00000000 fd:00 82                         /usr/lib/libompi.so
7ffd10000000-7ffd10021000 rw-p 00000000 00:00 0                          [stack]
"""


def test_copies_and_makes_are_told_apart_and_that_of_torch_comes_first() -> None:
    assert runtimes(MAPS.splitlines(keepends=True)) == [
        f"{SITE}/torch/lib/libgomp-a34b3233.so.1",
        f"{SITE}/scikit_learn.libs/libgomp-e985bcbb.so.1.0.0",
        "/opt/intel lib/libiomp5.so",
        "/usr/lib/llvm-14/lib/libomp.so.5",
    ]


def sample(monotonic_s: float, pid: int) -> Sample:
    return Sample(1, monotonic_s, 0, ProcessTree(), pid, {os.getpid(): None})


def test_a_process_is_looked_at_now_and_then_and_only_changes_are_told(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    found = [["one"], ["one"], ["one", "two"]]
    monkeypatch.setattr(openmp, "runtimes", lambda lines: found.pop(0))
    reader = RuntimeReader()
    told = [reader.look(sample(now_s, os.getpid())) for now_s in (0.0, 1.0, INTERVAL_S, 2 * INTERVAL_S)]
    assert [event.runtimes if event else None for event in told] == [["one"], None, None, ["one", "two"]]
    assert found == []


def test_a_process_without_an_agent_is_not_looked_at() -> None:
    assert RuntimeReader().look(sample(0.0, os.getpid() + 1)) is None
