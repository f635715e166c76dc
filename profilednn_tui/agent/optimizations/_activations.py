"""Finds activations that a model exposes besides its result, where the program may read them.

To find them, the first calls of a model, up to a backward pass, are made as in a plain run. The search covers the
attributes of its modules, containers and objects among its arguments, and the globals and closures of its code and of
hooks on its modules.
"""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Iterator
from types import FunctionType, ModuleType, SimpleNamespace
from typing import Any, Callable, NamedTuple

from ._inspection import codes_of, functions_of, hooks_of, is_of_program, is_trusted
from ._tensors import tensors_of

OWN = frozenset({"_parameters", "_buffers", "_modules"})
"""Module attributes that are not activations."""
_DEPTH = 3
_MAX_ITEMS = 1_000
"""Per container: only the newest are searched."""
_MAX_LOOKS = 50_000
"""Items in all containers together: a program may keep its whole data set in a list."""


class _Place(NamedTuple):
    """Where a value is kept."""

    owner: Any
    """A list or dict."""
    key: Any
    value: Any
    name: str


class EscapedActivations:
    """Snapshot of what a model and its surroundings hold before a call."""

    def __init__(self, torch: Any, root: Any, arguments: tuple[Any, ...], keywords: dict[str, Any]) -> None:
        self._torch = torch
        self._owners = [*_owners(torch, root, arguments, keywords)]
        self._before = {(id(place.owner), place.key): place.value for place in self._look()}

    def since(self, concerns: Callable[[Any], bool]) -> str:
        """Where the first new tensor is kept for which `concerns` is true; empty if there is none."""
        for place in self._look():
            if self._before.get((id(place.owner), place.key)) is place.value:
                continue
            if any(map(concerns, tensors_of(self._torch, place.value))):
                return place.name
        return ""

    def _look(self) -> Iterator[_Place]:
        seen: set[int] = set()
        self._looks = 0
        for name, owner, keys in self._owners:
            yield from self._inside(owner, name, keys, seen, _DEPTH)

    def _inside(self, owner: Any, name: str, keys: Any, seen: set[int], depth: int) -> Iterator[_Place]:
        if keys is None:
            if id(owner) in seen:
                return
            seen.add(id(owner))
        for key, value in _items(owner, keys):
            self._looks += 1
            if self._looks > _MAX_LOOKS:
                return
            if key in OWN:
                continue
            called = name or str(key)
            inner = _contents(self._torch, value) if depth else None
            if inner is None:
                yield _Place(owner, key, value, called)
            else:
                yield from self._inside(inner, called, None, seen, depth - 1)


def _contents(torch: Any, value: Any) -> Any:
    """The list or dict with the contents of a value; None if it is not a container."""
    if isinstance(value, (list, dict)):
        return value
    if isinstance(value, (type, ModuleType, FunctionType, torch.Tensor, torch.nn.Module)):
        return None
    kept = isinstance(value, (SimpleNamespace, Namespace)) or is_of_program(type(value))
    return vars(value) if kept and hasattr(value, "__dict__") else None


def _items(owner: Any, keys: Any) -> list[tuple[Any, Any]]:
    if keys is not None:
        return [(key, owner[key]) for key in keys if key in owner]
    return [*(enumerate(owner) if isinstance(owner, list) else owner.items())][-_MAX_ITEMS:]


def _owners(
    torch: Any, root: Any, arguments: tuple[Any, ...], keywords: dict[str, Any]
) -> Iterator[tuple[str, Any, Any]]:
    """Name, list or dict, and its relevant keys (None for all)."""
    for module in root.modules():
        if not is_trusted(type(module)):
            yield "", vars(module), None
    given = [("an argument", value) for value in arguments] + [*keywords.items()]
    for module, function in functions_of(root):
        given += _held(function)
        yield from _globals(function, module)
    for hook in hooks_of(root):
        holder = getattr(hook, "__self__", hook)
        if not isinstance(holder, FunctionType):
            given.append(("an object that a hook is bound to", holder))
        function = getattr(hook, "__func__", hook)
        if isinstance(function, FunctionType):
            given += _held(function)
            yield from _globals(function, None)
    for name, value in given:
        contents = _contents(torch, value)
        if contents is not None:
            yield name, contents, None


def _globals(function: FunctionType, module: Any) -> Iterator[tuple[str, Any, Any]]:
    names = {name for code in codes_of(function, module) for name in code.co_names}
    yield "", function.__globals__, names


def _held(function: FunctionType) -> list[tuple[str, Any]]:
    found = []
    for name, cell in zip(function.__code__.co_freevars, function.__closure__ or ()):
        try:
            found.append((name, cell.cell_contents))
        except ValueError:  # not bound yet
            continue
    return found
