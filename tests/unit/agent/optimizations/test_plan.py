"""How layers are called under optimizations."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import nn

from profilednn_tui.agent.optimizations import LayerCall, Optimization, here
from profilednn_tui.agent.optimizations._plan import Layers

X = torch.ones(2, 4)


class Doubles(Optimization):
    """Calls the layer, then doubles its result."""

    name = "doubles"

    def layer_types(self) -> tuple[type, ...]:
        return (nn.Linear,)

    def call_layer(self, call: LayerCall, layer: Any, *arguments: Any, **keywords: Any) -> Any:
        return 2 * call(layer, *arguments, **keywords)


class Breaks(Doubles):
    """Has a bug that shows at the second layer."""

    name = "breaks"
    calls = 0

    def call_layer(self, call: LayerCall, layer: Any, *arguments: Any, **keywords: Any) -> Any:
        self.calls += 1
        if self.calls == 2:
            raise KeyError("a mistake of ours")
        return super().call_layer(call, layer, *arguments, **keywords)


def layers(*kinds: type[Optimization]) -> tuple[Layers, list[tuple[str, str]]]:
    """Layers under optimizations, and a list of those given up with their errors."""
    given_up: list[tuple[str, str]] = []
    active = [kind(here(torch, frozenset())) for kind in kinds]
    return Layers(nn.Module.__call__, active, lambda one, error: given_up.append((one.name, str(error)))), given_up


def test_optimizations_call_a_layer_one_around_the_other() -> None:
    called, given_up = layers(Doubles, Doubles)
    layer = nn.Linear(4, 4)
    assert torch.equal(called[nn.Linear](layer, X), 4 * layer(X))
    assert torch.equal(called[nn.ReLU](nn.ReLU(), X), X)
    assert given_up == []


def test_a_mistake_of_ours_in_a_layer_does_not_reach_the_training() -> None:
    called, given_up = layers(Breaks)
    layer = nn.Linear(4, 4)
    assert torch.equal(called[nn.Linear](layer, X), 2 * layer(X))
    assert torch.equal(called[nn.Linear](layer, X), layer(X))
    assert given_up == [("breaks", "'a mistake of ours'")]


def test_what_a_layer_itself_raises_goes_on() -> None:
    called, given_up = layers(Breaks, Doubles)
    with pytest.raises(RuntimeError, match="shapes"):
        called[nn.Linear](nn.Linear(5, 5), X)
    assert given_up == []


def test_one_that_is_left_out_is_called_no_more() -> None:
    called, _ = layers(Doubles, Breaks)
    layer = nn.Linear(4, 4)
    assert torch.equal(called[nn.Linear](layer, X), 4 * layer(X))
    called.without(called._active[1])
    assert torch.equal(called[nn.Linear](layer, X), 2 * layer(X))
