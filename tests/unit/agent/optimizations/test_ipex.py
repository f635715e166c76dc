"""Bug: Intel's fused update bypassed torch's hooks, so that an experiment reported "no training step was seen"."""

from __future__ import annotations

import types
from typing import Any

import pytest
import torch
from torch.optim.optimizer import register_optimizer_step_post_hook

from profilednn_tui.agent.optimizations.ipex import NOT_FUSED, IntelExtension


@pytest.mark.parametrize(("name", "own_calls"), [("sgd_step", 1), (NOT_FUSED, 0)])
def test_an_update_put_on_the_optimizer_runs_the_hooks_once(name: str, own_calls: int) -> None:
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(2))], lr=0.1)

    def update(self: Any, closure: Any = None) -> None:
        updates.append(self)

    update.__name__ = name
    updates: list[Any] = []
    seen: list[Any] = []
    optimizer.step = types.MethodType(update, optimizer)
    IntelExtension(types.SimpleNamespace(torch=torch))._keep_hooks(optimizer)
    handle = register_optimizer_step_post_hook(lambda *arguments: seen.append(arguments[0]))
    try:
        optimizer.step()
    finally:
        handle.remove()
    assert updates == [optimizer]
    assert seen == [optimizer] * own_calls
