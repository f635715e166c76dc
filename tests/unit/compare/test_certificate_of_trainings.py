"""Certificates of real trainings, recorded in this process: each change is told as what it is."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import cache
from typing import Any

import pytest
import torch
from torch import nn

from profilednn_tui.compare.certificate import Certificate, certificate
from profilednn_tui.compare.runs import Run
from profilednn_tui.protocol.events import LearningEvent, ParametersEvent
from profilednn_tui.session.model.learning import LearningSeries
from profilednn_tui.session.view import FirstInputs, Optimization
from tests.unit.agent.steps.test_learning import Recorded
from tests.unit.compare import sides

STEPS = 12
BF16, SEED, RATE, DROPPED = "bf16", "seed", "rate", "dropped"
CHANNELS_LAST, FUSED_FOCAL_LOSS = "channels_last", "focal"
CONVOLUTIONS, ATTENTION = "convolutions", "attention"


@pytest.fixture(autouse=True)
def _one_thread() -> Iterator[None]:
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


class Attention(nn.Module):  # type: ignore[misc]
    def __init__(self) -> None:
        super().__init__()
        self.embed = nn.Embedding(50, 16)
        self.layer = nn.TransformerEncoderLayer(16, 2, 32, dropout=0.1, batch_first=True)
        self.head = nn.Linear(16, 4)

    def forward(self, tokens: torch.Tensor) -> torch.Tensor:
        pooled: torch.Tensor = self.head(self.layer(self.embed(tokens)).mean(1))
        return pooled


def convolutions() -> nn.Module:
    """The biases of the convolutions have gradients of nothing but rounding errors."""
    return nn.Sequential(
        nn.Conv2d(3, 8, 3), nn.BatchNorm2d(8), nn.ReLU(), nn.Conv2d(8, 16, 3), nn.BatchNorm2d(16), nn.ReLU(),
        nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(16, 4),
    )  # fmt: skip


def focal_loss(outputs: torch.Tensor, labels: torch.Tensor, fused: bool) -> torch.Tensor:
    """The sigmoid focal loss of torchvision, or the same in fewer operations."""
    targets = nn.functional.one_hot(labels, 4).float()
    if fused:
        signed = outputs * (1 - 2 * targets)
        weights = 0.75 - 0.5 * targets
        return (weights * torch.sigmoid(signed).square() * nn.functional.softplus(signed)).mean()
    entropy = nn.functional.binary_cross_entropy_with_logits(outputs, targets, reduction="none")
    chances = outputs.sigmoid()
    right = chances * targets + (1 - chances) * (1 - targets)
    return ((0.25 * targets + 0.75 * (1 - targets)) * entropy * (1 - right) ** 2).mean()


@cache
def train(kind: str, optimizer_class: Callable[..., Any], case: str = "") -> Run:
    seed = int(case == SEED)
    torch.manual_seed(seed)
    model = Attention() if kind == ATTENTION else convolutions()
    losses = list[float | None]()
    with Recorded(model) as recorded:
        named = list(model.named_parameters())
        kept = [one for name, one in named if case != DROPPED or name != named[-1][0]]
        optimizer = optimizer_class(kept, lr=0.01 * (1.01 if case == RATE else 1))
        for _ in range(STEPS):
            inputs = torch.randint(0, 50, (8, 8)) if kind == ATTENTION else torch.randn(8, 3, 12, 12)
            labels = torch.randint(0, 4, (8,))
            optimizer.zero_grad()
            if case == CHANNELS_LAST:
                inputs = inputs.contiguous(memory_format=torch.channels_last)
            with torch.autocast("cpu", torch.bfloat16, enabled=case == BF16):
                outputs = model(inputs)
            loss = focal_loss(outputs.float(), labels, case == FUSED_FOCAL_LOSS)
            loss.backward()
            losses.append(float(loss.detach()))
            optimizer.step()
    series = LearningSeries()
    for event in recorded.of(ParametersEvent):
        series.add_parameters(event)
    for event in recorded.of(LearningEvent):
        series.add_update(event)
    optimizations = (Optimization(BF16, "on", ""),) if case == BF16 else ()
    window = sides.operators(sides.operator("aten::mm", "[[2, 2]]", 1.0))
    begun = FirstInputs(seed, seed, seed)
    return sides.run(
        case or "stock",
        [1e6] * STEPS,
        losses,
        learning=series.view(),
        optimizations=optimizations,
        operators=window,
        first_inputs=begun,
    )


def against_stock(kind: str, optimizer_class: Callable[..., Any], case: str) -> Certificate:
    return certificate(train(kind, optimizer_class), train(kind, optimizer_class, case))


ROUNDED = "same training for 12 steps, within rounding of float32"
ROUNDED_16 = "same training for 12 steps, within rounding of bfloat16"
EXPECTED = [
    (CONVOLUTIONS, "", "same training for 12 steps, bit-identical"),
    (CONVOLUTIONS, BF16, ROUNDED_16),
    (CONVOLUTIONS, CHANNELS_LAST, ROUNDED),
    (CONVOLUTIONS, FUSED_FOCAL_LOSS, ROUNDED),
    (CONVOLUTIONS, RATE, "trains differently: the movement of every parameter is 1.0 % larger from step 1: "
     "another learning rate would do that"),
    (CONVOLUTIONS, DROPPED, "trains differently: 8.bias is not updated: no optimizer has it"),
    (CONVOLUTIONS, SEED, "other random numbers: not compared"),
    # Some of its gradients are nothing but rounding errors, and Adam moves those weights as far as any other.
    (ATTENTION, BF16, ROUNDED_16),
    (ATTENTION, FUSED_FOCAL_LOSS, ROUNDED),
    (ATTENTION, RATE, "trains differently: the movement of every parameter is 1.0 % larger from step 1: "
     "another learning rate would do that"),
    (ATTENTION, DROPPED, "trains differently: head.bias is not updated: no optimizer has it"),
]  # fmt: skip


@pytest.mark.parametrize("optimizer_class", [torch.optim.SGD, torch.optim.Adam])
@pytest.mark.parametrize(("kind", "case", "text"), EXPECTED)
def test_a_change_of_a_training_is_told_as_what_it_is(
    kind: str, case: str, text: str, optimizer_class: Callable[..., Any]
) -> None:
    assert against_stock(kind, optimizer_class, case).text == text
