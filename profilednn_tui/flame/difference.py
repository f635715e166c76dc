"""The flame graphs of two sides as one tree: each node with its value in every run of both."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from types import MappingProxyType
from typing import TYPE_CHECKING, Protocol, TypeAlias

from profilednn_tui.flame.tree import ROOT, Label, Node, Path, Shape, flame_tree
from profilednn_tui.session.view import SessionView

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

Floats: TypeAlias = "npt.NDArray[np.float64]"


class Judgement(Protocol):
    """Which nodes have changed."""

    @property
    def reason(self) -> str:
        """Why nothing can be told; empty otherwise."""

    @property
    def changed(self) -> npt.NDArray[np.bool_]:
        """Of each node."""


Judge: TypeAlias = "Callable[[Floats, Floats], Judgement]"
"""Told the values of both sides, one row per run and one column per node; the first node is the root."""


class Layout(Enum):
    """What the width of a node means."""

    BOTH = "both sides"
    """The mean of both: nothing is left out."""
    BEFORE = "before"
    AFTER = "after"


@dataclass(frozen=True, slots=True)
class Delta:
    """A node on both sides: means over the runs."""

    before: float
    after: float
    changed: bool
    """Whether it has changed by more than the runs vary."""

    @property
    def difference(self) -> float:
        return self.after - self.before


@dataclass(frozen=True, slots=True)
class Difference:
    """Two sides."""

    nodes: Mapping[Path, Delta]
    """All nodes; that of the root has the empty path."""
    phases: Mapping[Path, str]
    reason: str
    """Why no node is said to have changed; empty if that could be told."""

    def tree(self, layout: Layout) -> Node:
        """The nodes as wide as they are on one side, or on both together; those of no width are left out."""
        children: dict[Path, list[Path]] = {}
        for path in self.nodes:
            if path:
                children.setdefault(path[:-1], []).append(path)
        return self._grown((), ROOT, layout, children)

    def _grown(self, path: Path, label: Label, layout: Layout, children: Mapping[Path, list[Path]]) -> Node:
        below = [self._grown(one, one[-1], layout, children) for one in children.get(path, ())]
        below.sort(key=lambda child: (-child.value, child.label.file, child.label.line, child.label.name))
        delta = self.nodes[path]
        value = {
            Layout.BOTH: (delta.before + delta.after) / 2, Layout.BEFORE: delta.before, Layout.AFTER: delta.after,
        }[layout]  # fmt: skip
        return Node(label, value, self.phases.get(path, ""), tuple(child for child in below if child.value > 0))


EMPTY = Difference(MappingProxyType({(): Delta(0.0, 0.0, False)}), MappingProxyType({}), "")


def difference_of(
    baseline: Sequence[SessionView], candidate: Sequence[SessionView], shape: Shape, judge: Judge
) -> Difference:
    """Compare the flame graphs of the runs of two sides."""
    import numpy as np

    trees = [
        [flame_tree(view.operators, view.primitives, shape) for view in side if view.operators.windows]
        for side in (baseline, candidate)
    ]
    if not all(trees):
        return EMPTY
    phases: dict[Path, str] = {}
    each: list[list[dict[Path, float]]] = []
    for side in trees:
        values = []
        for tree in side:
            known: dict[Path, float] = {(): tree.value}
            for path, node in tree.walk():
                known[path] = node.value
                phases.setdefault(path, node.phase)
            values.append(known)
        each.append(values)
    paths: list[Path] = list(dict.fromkeys(path for side in each for known in side for path in known))
    matrices = [np.array([[known.get(path, 0.0) for path in paths] for known in side]) for side in each]
    found = judge(matrices[0], matrices[1])
    before, after = (matrix.mean(axis=0) for matrix in matrices)
    nodes = {
        path: Delta(float(before[place]), float(after[place]), bool(found.changed[place]))
        for place, path in enumerate(paths)
    }
    return Difference(MappingProxyType(nodes), MappingProxyType(phases), found.reason)
