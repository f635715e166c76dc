"""Accounts of the memory of real trainings: what they tell, and that the training does not notice."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from profilednn_tui.protocol.vocabulary import PHASES
from tests.process.harness import Recording, run, watch


def the_recording(folder: Path, name: str) -> Recording:
    watched, (recording,) = watch(folder, "memory.py", name)
    assert watched == run("memory.py", name), "the same weights to the last bit, the same output"
    assert recording.of("agent_error") == []
    return recording


def test_an_account_and_the_allocations_of_a_step_are_told_when_asked_for(tmp_path: Path) -> None:
    recording = the_recording(tmp_path, "plain")

    assert len(recording.steps) == 40
    accounts = recording.of("memory_account")
    assert len(accounts) >= 2
    weights = 4 * (256 * 512 + 512 + 512 * 256 + 256 + 256 + 1)
    assert accounts[-1]["parameters_bytes"] == accounts[-1]["gradients_bytes"] == weights
    assert accounts[-1]["optimizer_state_bytes"] == 2 * weights + 4 * 6
    steps = recording.of("allocations")
    assert len(steps) == 2
    assert steps[-1]["kept"] == [] or sum(size for _, size in steps[-1]["kept"]) < 100_000
    saved = dict(map(tuple, steps[-1]["peak"])).get(0, 0)
    assert saved >= 4 * 256 * 512, "what the larger ReLU has returned; the other may be freed before the peak"
    assert [notice for notice in recording.of("notice") if notice["code"] == "allocations"] == []


def test_graphs_that_are_kept_show_as_saved_activations_that_grow(tmp_path: Path) -> None:
    """As in the public complaint of losses that are added up as tensors."""
    recording = the_recording(tmp_path, "leak")

    per_step = 4 * 256 * (512 + 256)
    last = recording.of("allocations")[-1]
    assert dict(map(tuple, last["kept"]))[PHASES.index("forward")] >= per_step
    if hasattr(torch._C._autograd.SavedTensor, "data"):
        first, *_, newest = recording.of("memory_account")
        grown = (newest["saved_bytes"] - first["saved_bytes"]) / (newest["step"] - first["step"])
        assert grown == pytest.approx(per_step, rel=0.5)
        assert newest["saved_complete"]


def test_a_run_without_a_budget_takes_no_account_by_itself(tmp_path: Path) -> None:
    _, (recording,) = watch(tmp_path, "loops.py", "plain", PROFILEDNN_OVERHEAD="0")

    assert recording.of("memory_account") == []
