"""The modules that the program itself calls, and the paths of their submodules."""

from __future__ import annotations

import weakref
from operator import attrgetter
from typing import Any, NamedTuple


class RootModule(NamedTuple):
    """A module called by the program itself."""

    module: weakref.ref[Any]
    learns: bool
    """Whether it has parameters."""
    nested: int
    """Number of its submodules, at all levels."""


class RootModules:
    """The root modules seen so far; keeps none of them alive."""

    def __init__(self) -> None:
        self._roots: dict[int, RootModule] = {}
        self._paths: dict[int, str] = {}

    def look_up(self, module: Any) -> RootModule:
        """Look up a module that the program has called; a new one is added."""
        root = self._roots.get(id(module))
        return root if root is not None and root.module() is module else self._add(module)

    def paths(self) -> dict[int, str]:
        """``id(module)`` -> path of every module in the root modules seen so far.

        A module that was also called on its own has its path in the larger model.
        """
        if not self._paths:
            for root in sorted(self._roots.values(), key=attrgetter("nested"), reverse=True):
                top = root.module()
                for path, module in top.named_modules() if top is not None else ():
                    self._paths.setdefault(id(module), path.replace("_orig_mod.", "") or type(module).__name__)
        return self._paths

    def parameter_paths(self) -> dict[int, str]:
        """``id(parameter)`` -> path of every parameter in the root modules seen so far; in the larger model first."""
        paths: dict[int, str] = {}
        for root in sorted(self._roots.values(), key=attrgetter("nested"), reverse=True):
            top = root.module()
            for path, parameter in top.named_parameters() if top is not None else ():
                paths.setdefault(id(parameter), path.replace("_orig_mod.", ""))
        return paths

    def _add(self, module: Any) -> RootModule:
        self._roots = {key: root for key, root in self._roots.items() if root.module() is not None}
        learns = next(module.parameters(), None) is not None
        self._roots[id(module)] = root = RootModule(weakref.ref(module), learns, sum(1 for _ in module.modules()) - 1)
        self._paths = {}
        return root
