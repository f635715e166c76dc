"""Prepares the first call of a model under an optimization to be repeated without it if the call fails.

Only random states and named buffers are restored, the latter in their own storage. If anything else may have changed,
or other ranks wait for this one, nothing is repeated.
"""

from __future__ import annotations

import random
import sys
from typing import Any

from ..parentage import is_distributed
from ._activations import OWN
from ._inspection import why_not_repeatable
from ._tensors import tensors_of

_CONTAINERS = (list, dict, set)


def kind_of_call(root: Any, grad_enabled: bool, arguments: tuple[Any, ...], keywords: dict[str, Any]) -> Any:
    """The key of a call: what holds for one call is assumed to hold for all calls with the same key."""
    values = (*arguments, *keywords.values())
    return root.training, grad_enabled, tuple(map(_kind, values)), tuple(keywords)


def _kind(value: Any) -> Any:
    try:
        dtype = getattr(value, "dtype", None)
    except Exception:  # noqa: BLE001 - an object of the program
        return type(value)
    if dtype is not None and hasattr(value, "dim") and hasattr(value, "layout"):
        return type(value), dtype, value.dim(), value.layout
    if isinstance(value, (list, tuple)):
        return type(value), _kind(value[0]) if value else None
    return type(value)


def versions(torch: Any, *values: Any) -> list[tuple[int, int]]:
    """The ids of the tensors in some values, each with its version, which in-place changes increment."""
    found = (tensor for value in values for tensor in tensors_of(torch, value))
    return [(id(tensor), tensor._version) for tensor in found if not tensor.is_inference()]


class Probation:
    """Snapshot of what a call may change."""

    def __init__(self, torch: Any, root: Any, arguments: tuple[Any, ...], keywords: dict[str, Any]) -> None:
        self._torch = torch
        self._root = root
        self._buffers = [(buffer, buffer.detach().clone()) for buffer in root.buffers()]
        self._given = [*root.parameters()], arguments, keywords
        self._versions = versions(torch, *self._given)
        self._attributes = [(module, _attributes(module)) for module in root.modules()]
        self._random = random.getstate()
        self._torch_random = torch.get_rng_state()
        self._numpy_random = sys.modules.get("numpy.random")
        self._numpy_state = self._numpy_random.get_state() if self._numpy_random is not None else None

    def why_not_repeatable(self) -> str:
        """Why the call cannot be repeated; empty if it can."""
        if is_distributed(self._torch):
            return "other ranks take part in it"
        if versions(self._torch, *self._given) != self._versions:
            return "the call has changed its arguments or parameters in place"
        if any(_attributes(module) != before for module, before in self._attributes):
            return "the call has changed attributes of its modules"
        return why_not_repeatable(self._root, self._torch)

    def restore(self) -> None:
        """Restore random states and buffers."""
        random.setstate(self._random)
        self._torch.set_rng_state(self._torch_random)
        if self._numpy_random is not None:
            self._numpy_random.set_state(self._numpy_state)
        with self._torch.no_grad():
            for buffer, before in self._buffers:
                # Not by version: batch norm changes its statistics without a new one, and so do we.
                if not self._torch.equal(buffer, before):
                    buffer.data.copy_(before)


class _Attributes(dict[str, Any]):
    """Attributes by name; equal if they are the same objects and their containers hold the same objects."""

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, _Attributes) or self.keys() != other.keys():
            return False
        return all(_same(value, other[name]) for name, value in self.items())

    __hash__ = None


def _attributes(module: Any) -> _Attributes:
    found = _Attributes()
    for name, value in vars(module).items():
        found[name] = _copy(value) if isinstance(value, _CONTAINERS) else value
    for name in OWN:
        found[name] = list(vars(module).get(name, {}).values())
    return found


def _copy(value: Any) -> Any:
    return dict(value) if isinstance(value, dict) else list(value)


def _same(one: Any, other: Any) -> bool:
    if one is other:
        return True
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(one[key] is other[key] for key in one)
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(first is second for first, second in zip(one, other))
    return type(one) is type(other) and isinstance(one, (int, float, str)) and one == other
