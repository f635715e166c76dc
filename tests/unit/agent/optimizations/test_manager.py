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


class Doubles(Optimization):
    """Doubles the results of linear layers."""

    name = "doubles"
    live = True

    def layer_types(self) -> tuple[type, ...]:
        return (nn.Linear,)

    def call_layer(self, call: LayerCall, layer: Any, *arguments: Any, **keywords: Any) -> Any:
        return 2 * call(layer, *arguments, **keywords)

    def receipt(self, steps: int) -> str:
        return "doubled"


class Triples(Doubles):
    """Triples them."""

    name = "triples"

    def call_layer(self, call: LayerCall, layer: Any, *arguments: Any, **keywords: Any) -> Any:
        return 3 * call(layer, *arguments, **keywords)


class Stays(Doubles):
    """Cannot be switched between steps."""

    name = "stays"
    live = False


class BreaksOnReturn(Doubles):
    """Fails when it is switched on again."""

    name = "breaks"

    def switch_on(self) -> None:
        raise RuntimeError("no way back")


def switchable(
    monkeypatch: pytest.MonkeyPatch, *kinds: type[Optimization]
) -> tuple[OptimizationManager, Any, torch.Tensor]:
    """A manager, a model that is called under it, and the plain result."""
    by_name = {kind.name: kind for kind in kinds}
    monkeypatch.setattr(_registry, "load", by_name.__getitem__)
    manager = OptimizationManager(torch, list(by_name))
    model = nn.Sequential(nn.Linear(4, 4))
    plain = model(torch.ones(2, 4)).detach()
    monkeypatch.setattr(nn.Module, "__call__", manager._module_call(nn.Module.__call__))
    return manager, model, plain


def factor(model: Any, plain: torch.Tensor) -> float:
    return round(float((model(torch.ones(2, 4)).detach() / plain).mean()), 3)


def test_optimizations_are_switched_off_and_on_between_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    manager, model, plain = switchable(monkeypatch, Doubles, Triples, Stays)
    found = [factor(model, plain)]
    for names in (["doubles"], [], ["triples"], ["doubles", "triples"]):
        manager.select(names)
        found.append(factor(model, plain))
    assert found == [12, 4, 2, 6, 12]


def test_one_that_is_off_has_its_receipt(monkeypatch: pytest.MonkeyPatch) -> None:
    manager, model, plain = switchable(monkeypatch, Doubles, Triples)
    factor(model, plain)
    manager.select(["triples"])
    assert {(event.name, event.state) for event in manager.news(steps=3, final=True)} == {
        ("doubles", "on"), ("triples", "on"),
    }  # fmt: skip


def test_a_model_that_comes_while_one_is_off_gets_it_later(monkeypatch: pytest.MonkeyPatch) -> None:
    manager, model, plain = switchable(monkeypatch, Doubles)
    manager.select([])
    assert factor(model, plain) == 1
    manager.select(["doubles"])
    assert factor(model, plain) == 2


def test_one_that_fails_on_its_return_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    manager, model, plain = switchable(monkeypatch, BreaksOnReturn, Triples)
    manager.select(["triples"])
    manager.select(["breaks", "triples"])
    assert factor(model, plain) == 3
    manager.select(["breaks", "triples"])
    assert factor(model, plain) == 3
    told = {event.name: event.state for event in manager.news(steps=3, final=True)}
    assert told == {"breaks": "failed", "triples": "on"}
