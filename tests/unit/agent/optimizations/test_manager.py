"""The optimizations of one process."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import nn

from profilednn_tui.agent.optimizations import Declined, LayerCall, Optimization, _registry
from profilednn_tui.agent.optimizations._manager import OptimizationManager
from profilednn_tui.protocol.vocabulary import DECLINED


class Reluctant(Optimization):
    """Declines as soon as it gets a layer's input."""

    name = "reluctant"

    def layer_types(self) -> tuple[type, ...]:
        return (nn.Linear,)

    def call_layer(self, call: LayerCall, layer: Any, *arguments: Any, **keywords: Any) -> Any:
        raise Declined("this input is odd")


def test_one_that_declines_in_a_layer_is_told_with_its_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    # Found in code review: it was reported as a failure.
    monkeypatch.setattr(_registry, "load", lambda name: Reluctant)
    manager = OptimizationManager(torch, ["reluctant"])
    monkeypatch.setattr(nn.Module, "__call__", manager._module_call(nn.Module.__call__))
    model, x = nn.Sequential(nn.Linear(4, 4)), torch.ones(2, 4)
    assert torch.equal(model(x), x @ model[0].weight.T + model[0].bias)
    (event,) = manager.news(steps=1, final=True)
    assert (event.name, event.state, event.text) == ("reluctant", DECLINED, "because this input is odd")
