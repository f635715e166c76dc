"""The cost of the agent's looks at a training's conditions, which the advice needs: per step, and per look.

`python -m benchmarks.looks` calls the code of the agent in the steps of real models, and times it there.
"""

from __future__ import annotations

import statistics
from time import perf_counter_ns
from typing import Any

import torch
import torchvision
from torch import nn

from benchmarks.conditions import Contention, machine, versions, write
from profilednn_tui import units
from profilednn_tui.agent.steps.conditions import FIRST_LOOK, OPTIMIZER_STEPS, Conditions, next_look
from profilednn_tui.agent.steps.root_modules import RootModules

STEPS = 30
"""With a look in each, unlike in a training."""
TRAINING_STEPS = (100, 1_000)
LONG_STEP_NS = 10_000_000_000
"""What each step is said to have taken here, so that no look is put off."""


def models() -> dict[str, tuple[nn.Module, torch.Tensor]]:
    """Models with few, some and many nodes in their graphs."""
    layer = nn.TransformerEncoderLayer(128, 4, 256, batch_first=True)
    return {
        "MLP of 3 layers": (
            nn.Sequential(nn.Linear(256, 256), nn.ReLU(), nn.Linear(256, 256), nn.ReLU(), nn.Linear(256, 10)),
            torch.rand(128, 256),
        ),
        "Transformer of 6 layers": (nn.TransformerEncoder(layer, 6), torch.rand(8, 64, 128)),
        "ResNet-18": (torchvision.models.resnet18(), torch.rand(8, 3, 64, 64)),
        "DenseNet-121": (torchvision.models.densenet121(), torch.rand(2, 3, 64, 64)),
    }


def measure(model: nn.Module, inputs: torch.Tensor) -> tuple[float, float, float, int]:
    """Median step, median look, median of what each step has without a look, in ns, and the graph's nodes."""
    roots = RootModules()
    told: list[Any] = []
    conditions = Conditions(torch, roots, told.append)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01)
    steps, costs, others = [], [], []
    conditions.after_update(optimizer)
    for _ in range(STEPS):
        number = conditions.due
        first_ns = perf_counter_ns() - number * LONG_STEP_NS
        roots.look_up(model)
        begin_ns = perf_counter_ns()
        optimizer.zero_grad()
        loss = model(inputs).pow(2).mean()
        before_ns = perf_counter_ns()
        if number == conditions.due + 1:
            conditions.before_forward(True, (inputs,), {})
        if number > conditions.due:
            conditions.before_backward(number, loss, first_ns)
        if number + OPTIMIZER_STEPS < conditions.due:
            conditions.after_update(optimizer)
        plain_ns = perf_counter_ns()
        conditions.before_backward(number, loss, first_ns)
        look_ns = perf_counter_ns()
        loss.backward()
        optimizer.step()
        others.append(plain_ns - before_ns)
        costs.append(look_ns - plain_ns)
        steps.append(perf_counter_ns() - begin_ns - others[-1] - costs[-1])
    return statistics.median(steps), statistics.median(costs), statistics.median(others), told[-1].graph_nodes


def main() -> None:
    """Measure all models and write the table."""
    contention = Contention()
    lines = [
        "## Looks at the training's conditions",
        "",
        *machine(),
        versions("torch", "torchvision"),
        f"- Medians of {STEPS} steps with a look each; the shares are those of a training's looks, which become rarer.",
        "",
        "| model | nodes | step | look | each step | share of 100 steps | share of 1,000 steps |",
        "|---|---:|---:|---:|---:|---:|---:|",
    ]
    for name, (model, inputs) in models().items():
        step_ns, look_ns, other_ns, nodes = measure(model, inputs)
        shares = []
        for steps in TRAINING_STEPS:
            count = looks_until(steps, step_ns, look_ns)
            shares.append(units.share((count * look_ns + steps * other_ns) / (steps * step_ns)))
        cells = [name, units.count(nodes), *map(units.duration, (step_ns, look_ns, other_ns)), *shares]
        lines.append(f"| {' | '.join(cells)} |")
    write("looks", [*lines, "", contention.line()])


def looks_until(steps: int, step_ns: float, look_ns: float) -> int:
    """Number of looks in the first steps of a training."""
    count, step = 0, FIRST_LOOK
    while step <= steps:
        count += 1
        step = next_look(step, step_ns, (count + 1) * look_ns)
    return count


if __name__ == "__main__":
    main()
