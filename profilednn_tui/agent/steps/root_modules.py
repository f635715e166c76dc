"""The modules that the program itself calls, and the paths of their submodules."""

from __future__ import annotations

import weakref
from collections import Counter
from collections.abc import Iterator, Mapping
from operator import attrgetter
from typing import Any, NamedTuple


class RootModule(NamedTuple):
    """A module called by the program itself."""

    module: weakref.ref[Any]
    learns: bool
    """Whether it has parameters."""
    nested: int
    """Number of its submodules, at all levels."""


class _Model(NamedTuple):
    """A root module that is part of no other one."""

    module: Any
    name: str
    shares_paths: bool
    """Whether another model has modules of the same paths."""

    def inner(self, path: str) -> str:
        """The path of something inside."""
        path = path.replace("_orig_mod.", "")
        return f"{self.name}.{path}" if self.shares_paths else path

    def whole(self) -> list[str]:
        """Paths that everything inside begins with."""
        children = [] if self.shares_paths else [self.inner(name) for name, _ in self.module.named_children()]
        itself = not children or next(self.module.parameters(recurse=False), None) is not None
        return [self.name, *children] if itself else children


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

        A module that was also called on its own has its path in the larger model. Where the modules of several models
        have the same paths, these begin with the model's name.
        """
        if not self._paths:
            for model in self._models():
                for path, module in model.module.named_modules():
                    self._paths.setdefault(id(module), model.inner(path) if path else model.name)
        return self._paths

    def parameter_paths(self) -> dict[int, str]:
        """``id(parameter)`` -> path of every parameter in the root modules seen so far; in the larger model first."""
        paths: dict[int, str] = {}
        for model in self._models():
            for path, parameter in model.module.named_parameters():
                paths.setdefault(id(parameter), model.inner(path))
        return paths

    def parameters(self) -> Iterator[Any]:
        """All parameters of the root modules seen so far; those of a module that is part of another one come twice."""
        for module in self._living():
            yield from module.parameters()

    def buffers(self) -> Iterator[Any]:
        """The same for buffers."""
        for module in self._living():
            yield from module.buffers()

    def covered_by(self, parameters: Mapping[int, bool]) -> dict[str, bool]:
        """The largest modules all of whose parameters that need a gradient are among `parameters`, keyed by ``id``.

        Each path has whether the value of all of them is true.
        """
        found: dict[str, bool] = {}
        for model in self._models():
            inside: tuple[str, ...] = ()
            for path, module in model.module.named_modules():
                if path and inside and path.startswith(inside):
                    continue
                trainable = [id(one) for one in module.parameters() if one.requires_grad]
                if trainable and all(key in parameters for key in trainable):
                    needs_nothing = all(parameters[key] for key in trainable)
                    if not path:
                        found.update(dict.fromkeys(model.whole(), needs_nothing))
                        break
                    found[model.inner(path)] = needs_nothing
                    inside += (f"{path}.",)
        return found

    def _living(self) -> list[Any]:
        return [module for root in self._roots.values() if (module := root.module()) is not None]

    def _models(self) -> list[_Model]:
        """The root modules that are part of no other one, largest first, each with a name of its own."""
        roots = sorted(self._roots.values(), key=attrgetter("nested"), reverse=True)
        inside: set[int] = set()
        outermost: dict[int, tuple[Any, set[str]]] = {}
        for root in roots:
            top = root.module()
            if top is not None and id(top) not in inside:
                paths = [path for path, module in top.named_modules() if id(module) not in inside]
                inside.update(map(id, top.modules()))
                outermost[id(top)] = top, {path for path in paths if path}
        users = Counter(path for _, paths in outermost.values() for path in paths)
        names: dict[int, str] = {}
        namesakes: Counter[str] = Counter()
        for key in filter(outermost.__contains__, self._roots):  # in the order of their first calls
            kind = type(outermost[key][0]).__name__
            namesakes[kind] += 1
            names[key] = kind if namesakes[kind] == 1 else f"{kind} {namesakes[kind]}"
        return [
            _Model(top, names[key], any(users[path] > 1 for path in paths)) for key, (top, paths) in outermost.items()
        ]

    def _add(self, module: Any) -> RootModule:
        self._roots = {key: root for key, root in self._roots.items() if root.module() is not None}
        learns = next(module.parameters(), None) is not None
        self._roots[id(module)] = root = RootModule(weakref.ref(module), learns, sum(1 for _ in module.modules()) - 1)
        self._paths = {}
        return root
