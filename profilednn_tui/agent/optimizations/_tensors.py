"""Tensors inside the arguments and results of a call."""

from __future__ import annotations

import copy
import dataclasses
from collections.abc import Iterator, Mapping
from typing import Any, Callable


def map_tensors(torch: Any, value: Any, change: Callable[[Any], Any]) -> Any:
    """`value` with `change` applied to all tensors in tuples, lists, mappings and dataclasses; itself if unchanged."""
    if isinstance(value, torch.Tensor):
        return change(value)
    if isinstance(value, Mapping):
        items = {key: map_tensors(torch, item, change) for key, item in value.items()}
        if all(items[key] is value[key] for key in items):
            return value
        changed: Any = copy.copy(value)  # keeps its class and anything else that it holds
        for key, item in items.items():
            changed[key] = item
        return changed
    if dataclasses.is_dataclass(value) and not isinstance(value, type) and hasattr(value, "__dict__"):
        fields = {name: map_tensors(torch, item, change) for name, item in vars(value).items()}
        if all(fields[name] is item for name, item in vars(value).items()):
            return value
        changed = copy.copy(value)
        vars(changed).update(fields)
        return changed
    if isinstance(value, (list, tuple)):
        parts = [map_tensors(torch, item, change) for item in value]
        if all(new is old for new, old in zip(parts, value)):
            return value
        return type(value)(*parts) if hasattr(value, "_fields") else type(value)(parts)
    return value


def tensors_of(torch: Any, value: Any) -> Iterator[Any]:
    """The tensors in tuples, lists and mappings."""
    if isinstance(value, torch.Tensor):
        yield value
    elif isinstance(value, Mapping):
        for item in value.values():
            yield from tensors_of(torch, item)
    elif isinstance(value, (list, tuple)):
        for item in value:
            yield from tensors_of(torch, item)
