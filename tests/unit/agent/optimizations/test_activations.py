"""Activations that leave a model besides its result."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
import torch
from torch import nn

from profilednn_tui.agent.optimizations._activations import EscapedActivations

GATHERED: dict[str, Any] = {}
newest: Any = None


class Store:
    """A class of the program."""

    def __init__(self) -> None:
        self.seen: list[Any] = []


class Net(nn.Module):  # type: ignore[misc]
    """Keeps its layer's output in the given place."""

    def __init__(self, place: str) -> None:
        super().__init__()
        self.layer = nn.Linear(4, 4)
        self.place = place
        self.kept: Any = None
        self.history: list[Any] = []

    def forward(self, x: Any, given: Any = None) -> Any:
        global newest
        h = self.layer(x)
        if self.place == "an attribute":
            self.kept = h
        elif self.place == "a list of its own":
            self.history.append(h)
        elif self.place == "a list among the arguments":
            given.append(h)
        elif self.place == "an object among the arguments":
            given.seen.append(h)
        elif self.place == "a namespace among the arguments":
            given.h = h
        elif self.place == "a global dict":
            GATHERED["h"] = h.detach()
        elif self.place == "a global":
            newest = h
        elif self.place == "a count":
            self.kept = len(h)
        return h.sum()


def found(net: nn.Module, *arguments: Any) -> str:
    x = torch.randn(2, 4)
    kept = EscapedActivations(torch, net, (x, *arguments), {})
    net(x, *arguments)
    return kept.since(lambda tensor: tensor.is_floating_point())


@pytest.mark.parametrize(
    ("place", "given", "name"),
    [
        ("an attribute", None, "kept"),
        ("a list of its own", None, "history"),
        ("a list among the arguments", [], "an argument"),
        ("an object among the arguments", Store(), "an argument"),
        ("a namespace among the arguments", SimpleNamespace(), "an argument"),
        ("a global dict", None, "GATHERED"),
        ("a global", None, "newest"),
        ("a count", None, ""),
        ("nowhere", None, ""),
    ],
)
def test_an_activation_is_found_where_it_is_kept(place: str, given: Any, name: str) -> None:
    GATHERED.clear()
    assert found(Net(place), *((given,) if given is not None else ())) == name


def test_an_activation_that_a_hook_keeps_is_found() -> None:
    net, seen = Net("nowhere"), []

    def keep(module: Any, inputs: Any, output: Any) -> None:
        seen.append(output.detach())

    net.layer.register_forward_hook(keep)
    assert found(net) == "seen"


def test_what_was_there_before_is_not_of_this_call() -> None:
    net = Net("nowhere")
    net.history.append(torch.ones(3))
    GATHERED["h"] = torch.ones(3)
    assert found(net) == ""


def test_data_without_end_is_not_looked_through() -> None:
    net = Net("an attribute")
    rows: list[Any] = [[[number] * 1_000 for number in range(1_000)] for _ in range(3)]
    kept = EscapedActivations(torch, net, (torch.randn(2, 4), rows), {})
    assert kept._looks <= 60_000
    net(torch.randn(2, 4))
    assert kept.since(lambda tensor: True) == "kept", "modules come first"


def test_the_weight_that_torchs_own_hook_computes_is_no_activation() -> None:
    net = Net("nowhere")
    torch.nn.utils.spectral_norm(net.layer)
    assert found(net) == ""
