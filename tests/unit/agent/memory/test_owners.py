"""Who holds tensors."""

from __future__ import annotations

from time import perf_counter_ns
from typing import Any

import pytest
import torch
from torch import nn
from torch.utils.checkpoint import checkpoint

from profilednn_tui.agent.memory.mappings import read_mappings
from profilednn_tui.agent.memory.owners import Owned, TensorOwners
from profilednn_tui.agent.memory.reachable import MOST_ITEMS
from profilednn_tui.agent.steps.root_modules import RootModules

LONG_NS = 10_000_000_000
MB = 1 << 20
tells_saved = pytest.mark.skipif(
    not hasattr(torch._C._autograd.SavedTensor, "data"), reason="this torch does not tell what graphs keep"
)


class Training:
    """A model of 4 MB whose optimizer keeps two moments."""

    def __init__(self) -> None:
        self.model = nn.Linear(1024, 1024, bias=False)
        self.optimizer = torch.optim.Adam(self.model.parameters())
        self.roots = RootModules()
        self.roots.look_up(self.model)
        self.owners = TensorOwners(torch, self.roots, [self.optimizer])

    def step(self) -> Any:
        loss = self.model(torch.ones(4, 1024)).pow(2).mean()
        loss.backward()
        self.optimizer.step()
        return loss

    def look(self, duration_ns: int = LONG_NS) -> Owned:
        return self.owners.look(perf_counter_ns() + duration_ns)


@pytest.fixture
def training() -> Training:
    return Training()


def test_parameters_gradients_and_moments_have_their_owners(training: Training) -> None:
    training.step()
    found = training.look()
    assert found.parameters == 4 * MB
    assert found.gradients == 4 * MB
    assert found.optimizer_state == 8 * MB + 4, "both moments, and the number of steps"


def test_gradients_that_are_given_up_are_held_by_nobody(training: Training) -> None:
    training.step()
    training.optimizer.zero_grad()
    assert training.look().gradients == 0


def test_a_storage_counts_once(training: Training) -> None:
    tied = nn.Linear(1024, 1024, bias=False)
    tied.weight = training.model.weight
    training.roots.look_up(tied)
    assert training.look().parameters == 4 * MB


def test_buffers_count_with_the_parameters(training: Training) -> None:
    training.model.register_buffer("mask", torch.zeros(1024, 1024, dtype=torch.bool))
    assert training.look().parameters == 5 * MB


def test_what_the_program_refers_to_is_another_tensor(training: Training) -> None:
    before = training.look().others
    kept = [torch.zeros(3 * MB, dtype=torch.uint8)]
    assert training.look().others - before == 3 * MB
    view = kept[0][:10]
    assert training.look().others - before == 3 * MB, "a view has no memory of its own"
    del view


@tells_saved
def test_a_graph_that_is_kept_holds_what_it_has_saved(training: Training) -> None:
    before = training.look().saved
    assert before is not None
    inputs = torch.ones(256, 1024, requires_grad=True)
    kept = training.model(inputs).sin().sum()
    after = training.look().saved
    assert after is not None
    assert after - before == 2 * MB, "the inputs of the model and of sin; weights have another owner"
    del kept
    assert training.look().saved == before


@tells_saved
def test_a_graph_that_a_backward_pass_has_freed_holds_nothing(training: Training) -> None:
    before = training.look().saved
    losses = [training.step() for _ in range(3)]
    assert training.look().saved == before
    del losses


@tells_saved
def test_looking_recomputes_no_checkpoint(training: Training) -> None:
    calls = []

    def block(x: torch.Tensor) -> torch.Tensor:
        calls.append(1)
        return training.model(x).sin()

    kept = checkpoint(block, torch.ones(4, 1024, requires_grad=True), use_reentrant=False).sum()
    training.look()
    assert len(calls) == 1
    kept.backward()


def test_a_walk_that_takes_too_long_says_so(training: Training) -> None:
    value = torch.ones(1, requires_grad=True)
    for _ in range(200):
        value = value * 2
    found = training.look(duration_ns=-1)
    assert found.saved is None or not found.saved_complete


def test_a_container_that_is_too_large_is_not_looked_into(training: Training) -> None:
    before = training.look()
    kept = [torch.zeros(2 * MB, dtype=torch.uint8), *range(MOST_ITEMS)]
    found = training.look()
    assert found.others == before.others
    assert not found.saved_complete
    del kept


def test_tensors_deep_inside_of_what_variables_hold_are_found(training: Training) -> None:
    class Holder:
        def __init__(self) -> None:
            self.parts = {"last": [(torch.zeros(2 * MB, dtype=torch.uint8),)]}

    before = training.look().others
    holder = Holder()
    assert training.look().others - before == 2 * MB
    del holder


def test_sparse_gradients_count(training: Training) -> None:
    table = nn.Embedding(1000, 256, sparse=True)
    training.roots.look_up(table)
    table(torch.arange(10)).sum().backward()
    assert training.look().gradients == 10 * 256 * 4 + 10 * 8


def test_memory_that_is_only_reserved_does_not_count(training: Training) -> None:
    """Found in a review: a buffer of 400 MB, of which 15 MB had been written, counted as a whole."""
    before = training.look().others
    reserved = torch.empty(256 * MB, dtype=torch.uint8)
    reserved[: 8 * MB] = 1
    assert 8 * MB <= training.look().others - before < 32 * MB
    del reserved


def test_shared_memory_is_told_apart(training: Training) -> None:
    """Found in a review: parameters that workers share had no owner."""
    training.model.weight.data.share_memory_()
    found = training.owners.look(perf_counter_ns() + LONG_NS, read_mappings().spans)
    assert found.parameters == 4 * MB
    assert found.in_shared == 4 * MB
