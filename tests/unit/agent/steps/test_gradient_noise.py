"""What is recorded of neighbouring gradients, in this process."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import nn

from profilednn_tui.agent.isolation.guard import Guard
from profilednn_tui.agent.steps.gradient_noise import EVERY, GradientNoise
from profilednn_tui.plan.noise import measured_noise
from profilednn_tui.protocol.events import AgentErrorEvent, GradientNoiseEvent, NoticeEvent
from profilednn_tui.session.view import GradientPair

ROOM = 1e9


class Recorded:
    """A recorder and what it has reported."""

    def __init__(self, room: float = ROOM) -> None:
        self.events: list[Any] = []
        self.recorder = GradientNoise(torch, self.events.append, Guard(self.events.append), room)

    @property
    def pairs(self) -> list[GradientNoiseEvent]:
        return [event for event in self.events if isinstance(event, GradientNoiseEvent)]

    def __enter__(self) -> Recorded:
        self.recorder.install()
        return self

    def __exit__(self, *error: object) -> None:
        self.recorder.remove()
        assert [event for event in self.events if isinstance(event, AgentErrorEvent)] == []


@pytest.fixture(autouse=True)
def _seed() -> None:
    torch.manual_seed(0)


class Cloud(nn.Module):  # type: ignore[misc]
    """Learns the mean of a cloud of points: the gradient of a point x is ``place - x``."""

    def __init__(self, size: int, away: float) -> None:
        super().__init__()
        self.place = nn.Parameter(torch.full((size,), away))

    def forward(self, points: torch.Tensor) -> torch.Tensor:
        return (self.place - points).square().sum(dim=1).mean() / 2


@pytest.mark.parametrize(("away", "scale"), [(0.5, 4.0), (0.1, 100.0)])
def test_the_noise_scale_is_that_of_a_cloud_in_which_it_is_known(away: float, scale: float) -> None:
    """50 dimensions with a variance of 1: tr(S) is 50, and |G|^2 is 50 away^2."""
    model, batch = Cloud(50, away), 8
    optimizer = torch.optim.SGD(model.parameters(), lr=1e-9)
    with Recorded() as recorded:
        for _ in range(400 * EVERY):
            optimizer.zero_grad()
            model(torch.randn(batch, 50)).backward()
            optimizer.step()
    pairs = [GradientPair(one.update, one.square, one.product, one.unread) for one in recorded.pairs]
    assert len(pairs) == 399
    found = measured_noise("run", pairs, batch).scale
    assert found is not None
    assert found.low is not None
    assert found.high is not None
    assert found.value == pytest.approx(scale, rel=0.3)
    assert found.low < scale < found.high


def test_a_pair_is_of_neighbouring_updates() -> None:
    model = Cloud(3, 1.0)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.5)
    gradients = []
    with Recorded() as recorded:
        for _ in range(EVERY + 1):
            optimizer.zero_grad()
            model(torch.randn(2, 3)).backward()
            assert model.place.grad is not None
            gradients.append(model.place.grad.clone())
            optimizer.step()
    (pair,) = recorded.pairs
    one, other = gradients[-2:]
    assert (pair.update, pair.unread) == (EVERY + 1, 0)
    assert pair.square == pytest.approx(float(one @ one + other @ other) / 2)
    assert pair.product == pytest.approx(float(one @ other))


def updates(optimizer: Any, model: nn.Module, count: int = EVERY + 1) -> None:
    def closure() -> torch.Tensor:
        optimizer.zero_grad()
        loss: torch.Tensor = model(torch.randn(2, 3)).square().sum()
        loss.backward()
        return loss

    for _ in range(count):
        optimizer.step(closure)


def test_gradients_that_a_closure_computes_count_as_well() -> None:
    model = nn.Linear(3, 2)
    with Recorded() as recorded:
        updates(torch.optim.SGD(model.parameters(), lr=0.1), model)
    assert len(recorded.pairs) == 1


def test_other_optimizers_do_not_count() -> None:
    first, second = nn.Linear(3, 2), nn.Linear(3, 2)
    one, other = (torch.optim.SGD(model.parameters(), lr=0.1) for model in (first, second))
    with Recorded() as recorded:
        for _ in range(EVERY + 1):
            updates(one, first, 1)
            updates(other, second, 1)
    assert [pair.update for pair in recorded.pairs] == [EVERY + 1]


def test_parameters_without_a_plain_gradient_are_counted_and_left_out() -> None:
    model = nn.ModuleDict(
        {"words": nn.EmbeddingBag(5, 3, sparse=True), "head": nn.Linear(3, 2), "idle": nn.Linear(1, 1)}
    )
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    with Recorded() as recorded:
        for _ in range(EVERY + 1):
            optimizer.zero_grad()
            model["head"](model["words"](torch.randint(5, (2, 4)))).sum().backward()
            optimizer.step()
    assert [pair.unread for pair in recorded.pairs] == [3]


@pytest.mark.parametrize(("room", "reason"), [(10.0, "a copy of the gradients would take"), (ROOM, "")])
def test_a_copy_that_memory_does_not_hold_is_not_made(room: float, reason: str) -> None:
    model = nn.Linear(3, 2)
    with Recorded(room) as recorded:
        updates(torch.optim.SGD(model.parameters(), lr=0.1), model, 3 * EVERY)
    told = [event.text for event in recorded.events if isinstance(event, NoticeEvent)]
    assert [reason in text for text in told] == ([True] if reason else []), "once"
    assert bool(recorded.pairs) is not bool(reason)


def test_nothing_is_left_behind() -> None:
    from torch.optim import optimizer as module

    model = nn.Linear(3, 2)
    with Recorded():
        updates(torch.optim.SGD(model.parameters(), lr=0.1), model, EVERY)
    assert not module._global_optimizer_pre_hooks
    assert not module._global_optimizer_post_hooks
