"""The paths of modules."""

from __future__ import annotations

from typing import Any

from torch import nn

from profilednn_tui.agent.steps.root_modules import RootModules


class Net(nn.Module):  # type: ignore[misc]
    """A model with one layer."""

    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Linear(2, 2)


class Head(nn.Module):  # type: ignore[misc]
    """A model whose layer has a name of its own."""

    def __init__(self) -> None:
        super().__init__()
        self.last = nn.Linear(2, 2)


def paths_of(*modules: Any) -> list[str]:
    """The paths of all modules below those called, in the order of the calls."""
    roots = RootModules()
    for module in modules:
        roots.look_up(module)
    return [roots.paths()[id(part)] for module in modules for part in module.modules()]


def test_a_models_layers_have_their_paths_and_the_model_its_class() -> None:
    assert paths_of(Net()) == ["Net", "layer"]


def test_layers_of_other_names_need_no_prefix() -> None:
    assert paths_of(Net(), Head()) == ["Net", "layer", "Head", "last"]


def test_layers_of_equal_names_begin_with_their_models() -> None:
    """Issue 18: two roots with the same path were one."""
    assert paths_of(Net(), Net(), Head()) == ["Net", "Net.layer", "Net 2", "Net 2.layer", "Head", "last"]


def test_a_part_that_is_called_on_its_own_belongs_to_its_model() -> None:
    net = Net()
    assert paths_of(net.layer, nn.Sequential(net)) == ["0.layer", "Sequential", "0", "0.layer"]


def test_parameters_are_told_apart_as_well() -> None:
    roots, first, second = RootModules(), Net(), Net()
    for model in (first, second):
        roots.look_up(model)
    names = roots.parameter_paths()
    assert names[id(first.layer.weight)] == "Net.layer.weight"
    assert names[id(second.layer.weight)] == "Net 2.layer.weight"


def test_models_that_are_gone_do_not_count() -> None:
    roots = RootModules()
    roots.look_up(Net())
    net = Net()
    roots.look_up(net)
    assert roots.paths()[id(net.layer)] == "layer"
