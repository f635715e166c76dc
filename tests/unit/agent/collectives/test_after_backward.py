"""When a backward pass has computed everything, as noted before DDP's callback waits for other ranks."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch import nn

from profilednn_tui.agent.collectives.waiting import AfterBackward
from profilednn_tui.agent.steps.timeline import BACKWARD, Timeline

Pass = Callable[[], torch.Tensor]


class Trainer:
    """Calls `AfterBackward` as the agent does, and counts the notes of each backward pass."""

    def __init__(self) -> None:
        self.timeline = Timeline()
        self.after = AfterBackward(torch, self.timeline)
        self.kept: list[object] = []
        """Nodes of the graph, as DDP keeps them."""

    def keep(self, model: nn.Module) -> nn.Module:
        self.kept += [one.view_as(one).grad_fn.next_functions[0][0] for one in model.parameters()]
        return model

    def backward(self, loss: torch.Tensor) -> bool:
        """Whether its end was noted."""
        self.timeline.computed.clear()
        self.after.watch(loss)
        previous = self.timeline.enter(BACKWARD, self.timeline.now())
        loss.backward()
        noted = bool(self.timeline.computed)
        self.timeline.leave(previous)
        return noted

    def update(self, optimizer: torch.optim.Optimizer) -> None:
        optimizer.step()
        self.after.keep_watching(optimizer)
        optimizer.zero_grad()


@pytest.fixture
def trainer() -> Trainer:
    return Trainer()


def test_every_pass_of_a_plain_model_is_noted(trainer: Trainer) -> None:
    model = trainer.keep(nn.Linear(4, 4))
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    for _ in range(12):
        assert trainer.backward(model(torch.randn(2, 4)).sum())
        trainer.update(optimizer)


def test_the_smallest_parameter_may_take_no_part(trainer: Trainer) -> None:
    """With DDP's find_unused_parameters, two of three passes were not noted (#21)."""
    model = trainer.keep(nn.ModuleDict({"used": nn.Linear(8, 8), "unused": nn.Linear(2, 2)}))
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    for _ in range(30):
        assert trainer.backward(model["used"](torch.randn(2, 8)).sum())
        trainer.update(optimizer)


def test_two_models_with_an_optimizer_each(trainer: Trainer) -> None:
    """As in a GAN: only the passes of one of them were noted (#21)."""
    models = [trainer.keep(nn.Linear(4, 4)) for _ in range(2)]
    optimizers = [torch.optim.SGD(model.parameters(), lr=0.1) for model in models]
    for _ in range(12):
        for model, optimizer in zip(models, optimizers, strict=True):
            assert trainer.backward(model(torch.randn(2, 4)).sum())
            trainer.update(optimizer)


def test_parameters_that_take_turns(trainer: Trainer) -> None:
    model = trainer.keep(nn.ModuleList(nn.Linear(4, 4) for _ in range(2)))
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    missed = 0
    for step in range(60):
        missed += not trainer.backward(model[step // 3 % 2](torch.randn(2, 4)).sum())
        trainer.update(optimizer)
    assert missed <= 12, "the first pass after each change"


def test_an_optimizer_without_gradients_is_not_looked_through_after_every_update(trainer: Trainer) -> None:
    """Where gradients are given up before the update is over, that took 80 us of each step (#21)."""
    model = trainer.keep(nn.Linear(4, 4))
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    looks = 0

    class Groups(list):  # type: ignore[type-arg]
        def __iter__(self):  # type: ignore[no-untyped-def]
            nonlocal looks
            looks += 1
            return super().__iter__()

    optimizer.param_groups = Groups(optimizer.param_groups)
    for _ in range(40):
        trainer.after.keep_watching(optimizer)
    assert 1 <= looks <= 4


def test_nothing_is_left_after_removal(trainer: Trainer) -> None:
    model = trainer.keep(nn.Linear(4, 4))
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    for _ in range(4):
        trainer.backward(model(torch.randn(2, 4)).sum())
        trainer.update(optimizer)
    trainer.after.remove()
    loss = model(torch.randn(2, 4)).sum()
    trainer.timeline.computed.clear()
    loss.backward()
    assert trainer.timeline.computed == []
