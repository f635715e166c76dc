"""The known optimizations: the files in `optimizations`, and entry points in the target's environment."""

from __future__ import annotations

import importlib
import os
from types import ModuleType
from typing import Any

from .. import optimizations
from . import Declined, LaunchChanges, Missing, Optimization

GROUP = "profilednn.optimizations"
OFFERED = {"Declined": Declined, "LaunchChanges": LaunchChanges, "Missing": Missing}
"""What third-party classes find as members, because they cannot import this package."""


def names() -> list[str]:
    """Names of our own optimizations, which are those of their files."""
    files = os.listdir(os.path.dirname(optimizations.__file__))
    return sorted(file[:-3] for file in files if file.endswith(".py") and not file.startswith("_"))


def third_party() -> dict[str, Any]:
    """Third-party entry points by name; our own names take precedence."""
    from importlib import metadata  # imported late, because it is slow to load

    found = metadata.entry_points()
    select = getattr(found, "select", None)  # Python 3.9 has a dict
    entries = select(group=GROUP) if select is not None else found.get(GROUP, [])
    own = set(names())
    return {entry.name: entry for entry in entries if entry.name not in own}


def load(name: str) -> type[Optimization]:
    """The class of an optimization; raises `LookupError` for an unknown name, or whatever its import raises."""
    if name in names():
        return _only_optimization(importlib.import_module(f"{optimizations.__name__}.{name}"))
    entry = third_party().get(name)
    if entry is None:
        raise LookupError(f"there is no optimization {name}")
    theirs = entry.load()
    return type(theirs.__name__, (theirs, Optimization), {**OFFERED, "name": name, "__module__": theirs.__module__})


def conflict(kind: type[Optimization], others: list[type[Optimization]]) -> str:
    """The name of one of `others` that conflicts with this one; empty if none does."""
    clashing = (one.name for one in others if one.name in kind.conflicts or kind.name in one.conflicts)
    return next(clashing, "")


def _only_optimization(module: ModuleType) -> type[Optimization]:
    (kind,) = (
        item
        for item in vars(module).values()
        if isinstance(item, type) and issubclass(item, Optimization) and item.__module__ == module.__name__
    )
    return kind
