"""Gives modules another forward method by changing their class; they are pickled with their original class."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

from torch import Tensor, nn

Forward = Callable[..., Tensor]


def _reduce_as_unfused(self: Any, protocol: Any) -> tuple[Any, ...]:
    # A checkpoint of the whole module must load where these kernels are not installed.
    _, _, *state = self.unfused.__reduce_ex__(self, protocol)
    return object.__new__, (self.unfused,), *state


@cache
def _fused_class(original: type[nn.Module], forward: Forward) -> type[nn.Module]:
    members = {"unfused": original, "forward": forward, "__reduce_ex__": _reduce_as_unfused}
    return type(f"Fused{original.__name__}", (original,), members)


def swap(module: nn.Module, forward: Forward) -> None:
    """Gives a module this forward; its former class is `type(module).unfused`."""
    module.__class__ = _fused_class(module.__class__, forward)


def is_swapped(module: nn.Module) -> bool:
    return hasattr(type(module), "unfused")


def unfused(module: nn.Module) -> type[nn.Module]:
    """The class of a module before any swap."""
    original: type[nn.Module] = getattr(type(module), "unfused", type(module))
    return original


def restore(model: nn.Module, *forwards: Forward) -> int:
    """Undoes the swaps to these forwards in `model`, and returns how many there were."""
    swapped = [module for module in model.modules() if is_swapped(module) and type(module).forward in forwards]
    for module in swapped:
        module.__class__ = type(module).unfused
    return len(swapped)
