"""The operators of a session below the Python lines, or the modules, that lead to them.

A backward operator stands below the line of the forward pass that created its work. Everything is per step.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import NamedTuple

from profilednn_tui.session.frames import visible_frames
from profilednn_tui.session.model.work import work_per_step
from profilednn_tui.session.view import Frame, Module, Operator, OperatorKey, Operators, Primitives, Stack
from profilednn_tui.session.words import operator_text

MOST_FRAMES = 250
"""Of a stack: the innermost ones. Recursion of a program may be deeper, and files of others as deep as they like."""
OUTSIDE = "outside of operators"
ROUNDING = 1e-9
"""Of a value: what sums may differ by."""


class Weight(Enum):
    """What the width of a node means."""

    SELF = "self time"
    """Of operators, in nanoseconds."""
    TOTAL = "total time"
    """The same and the training thread's time between operators, where that was recorded."""
    CALLS = "calls"
    """Of operators."""
    FLOPS = "FLOPs"
    """Of operators of which they are known."""
    BYTES = "bytes"
    """Moved by operators of which that is known."""


class Kind(Enum):
    """What a node stands for."""

    ROOT = "all"
    FRAME = "line"
    MODULE = "module"
    OPERATOR = "operator"
    OUTSIDE = "outside"

    __hash__ = object.__hash__  # that of Enum is slow, and a tree needs it thousands of times


class Label(NamedTuple):
    """What is written on a node; nodes of one label may stand in several places of a tree."""

    kind: Kind
    name: str
    """Function, path of a module, or name of an operator as torch has it."""
    file: str = ""
    line: int = 0

    @property
    def text(self) -> str:
        """What to call it in one line: ``forward``, ``layer1.0.conv1``, ``aten::mm``."""
        return operator_text(self.name) if self.kind is Kind.OPERATOR else self.name

    @property
    def frame(self) -> Frame | None:
        """The line, if it is one."""
        return Frame(self.file, self.line, self.name) if self.kind is Kind.FRAME else None


ROOT = Label(Kind.ROOT, "all")
Path = tuple[Label, ...]
"""The labels that lead to a node, without that of the root."""


@dataclass(frozen=True, slots=True, eq=False)
class Node:
    """A place in the tree."""

    label: Label
    value: float
    """Of the node and all below it, in the unit of the weight."""
    phase: str
    """The one in which most of that is; empty if unknown."""
    children: tuple[Node, ...] = ()
    """Largest first."""

    @property
    def own(self) -> float:
        """What is not below it."""
        rest = self.value - sum(child.value for child in self.children)
        return rest if rest > ROUNDING * self.value else 0.0

    def walk(self) -> Iterator[tuple[Path, Node]]:
        """All nodes below this one with their paths, each before those below it."""
        pending: list[tuple[Path, Node]] = [((child.label,), child) for child in reversed(self.children)]
        while pending:
            path, node = pending.pop()
            yield path, node
            pending += [((*path, child.label), child) for child in reversed(node.children)]

    def at(self, path: Path) -> Node | None:
        """The node at a path; None if there is none."""
        node: Node | None = self
        for label in path:
            node = next((child for child in node.children if child.label == label), None) if node else None
        return node


@dataclass(frozen=True, slots=True)
class Shape:
    """How to build a tree."""

    weight: Weight = Weight.SELF
    by_module: bool = False
    """Modules instead of lines lead to operators."""
    libraries: bool = False
    """Whether frames of torch and Python are shown."""
    phase: str = ""
    """Only what is in this phase; empty for all."""


def flame_tree(operators: Operators, primitives: Primitives, shape: Shape) -> Node:
    """The tree of all operators; empty below its root if there are none."""
    growing = _Growing()
    places = _Places(operators.modules, shape)
    for row in operators.rows:
        leaf = Label(Kind.OPERATOR, row.key.name)
        for stack, value in _values(row, primitives, shape.weight):
            phase = (stack.phase or row.phase) if stack else row.phase
            if shape.phase in ("", phase):
                growing.add((*places.of(stack), leaf), value, phase)
    if shape.weight is Weight.TOTAL and not shape.by_module and not shape.phase:
        leaf = Label(Kind.OUTSIDE, OUTSIDE)
        for outside in operators.outside:
            growing.add((*places.lines(outside.frames), leaf), outside.ns_per_step, "")
    return growing.grown(ROOT)


def _values(row: Operator, primitives: Primitives, weight: Weight) -> Iterator[tuple[Stack | None, float]]:
    """The weight of each call site of an operator; None for what is at no known one."""
    if weight in (Weight.FLOPS, Weight.BYTES):
        work = work_per_step(row, primitives)
        if work is None:
            return
        whole = work.flops if weight is Weight.FLOPS else work.bytes
        calls = row.calls_per_step or 1.0
        sites = [(stack, whole * stack.calls_per_step / calls) for stack in row.stacks]
    elif weight is Weight.CALLS:
        whole = row.calls_per_step
        sites = [(stack, stack.calls_per_step) for stack in row.stacks]
    else:
        whole = row.self_ns_per_step
        sites = [(stack, stack.self_ns_per_step) for stack in row.stacks]
    yield from sites
    rest = whole - sum(value for _, value in sites)
    if rest > ROUNDING * whole:
        yield None, rest


class _Places:
    """Where call sites stand in a tree."""

    def __init__(self, modules: Sequence[Module], shape: Shape) -> None:
        self._shape = shape
        self._modules = dict(_module_paths(modules))
        self._known: dict[int, tuple[tuple[Frame, ...], Path]] = {}
        """By the identity of a stack, which many call sites share: comparing long stacks takes longer."""

    def of(self, stack: Stack | None) -> Path:
        if stack is None:
            return ()
        if self._shape.by_module:
            return self._modules.get(stack.module) or ((Label(Kind.MODULE, stack.module),) if stack.module else ())
        return self.lines(stack.forward_frames or stack.frames)

    def lines(self, frames: tuple[Frame, ...]) -> Path:
        known = self._known.get(id(frames))
        if known is None:
            shown = visible_frames(frames, self._shape.libraries)[-MOST_FRAMES:]
            path = tuple(Label(Kind.FRAME, frame.function, frame.file, frame.line) for frame in shown)
            known = self._known[id(frames)] = frames, path
        return known[1]


def _module_paths(modules: Iterable[Module]) -> Iterator[tuple[str, Path]]:
    """The labels that lead to each module, which are listed in tree order."""
    above: list[Label] = []
    for module in modules:
        del above[module.depth :]
        above.append(module_label(module))
        yield module.path, tuple(above[-MOST_FRAMES:])


class _Growing:
    """A node that is being built."""

    __slots__ = ("children", "values")

    def __init__(self) -> None:
        self.values: dict[str, float] = {}
        """By phase."""
        self.children: dict[Label, _Growing] = {}

    def add(self, path: Iterable[Label], value: float, phase: str) -> None:
        node = self
        node.values[phase] = node.values.get(phase, 0.0) + value
        for label in path:
            children = node.children
            if label in children:
                node = children[label]
            else:
                node = children[label] = _Growing()
            values = node.values
            values[phase] = values.get(phase, 0.0) + value

    def grown(self, label: Label) -> Node:
        children = [child.grown(name) for name, child in self.children.items()]
        if len(children) > 1:
            children.sort(key=_by_size)
        values = self.values
        if len(values) == 1:
            ((phase, value),) = values.items()
        else:
            value, phase = sum(values.values()), max(values, key=values.__getitem__, default="")
        return Node(label, value, phase, tuple(child for child in children if child.value > 0))


def _by_size(node: Node) -> tuple[float, str, int, str]:
    label = node.label
    return -node.value, label.file, label.line, label.name


def path_to(tree: Node, label: Label) -> Path:
    """The path to the largest node with a label; empty if there is none."""
    found = max(
        ((path, node) for path, node in tree.walk() if node.label == label), key=lambda item: item[1].value,
        default=((), None),
    )  # fmt: skip
    return found[0]


def sandwich(tree: Node, label: Label) -> tuple[Node, Node]:
    """Who leads to the nodes of a label, and what is below them.

    The first tree is that of the callers: its root has the label, and below it is what called it. Where nodes of the
    label stand below each other, the outermost one counts.
    """
    callers, callees = _Growing(), _Growing()
    for path, node in _outermost(tree, label):
        for phase, value in _by_phase(node).items():
            callers.add(tuple(reversed(path[:-1])), value, phase)
        _graft(callees, node)
    return callers.grown(label), callees.grown(label)


def _outermost(tree: Node, label: Label) -> Iterator[tuple[Path, Node]]:
    pending: list[tuple[Path, Node]] = [((child.label,), child) for child in tree.children]
    while pending:
        path, node = pending.pop()
        if node.label == label:
            yield path, node
        else:
            pending += [((*path, child.label), child) for child in node.children]


def _by_phase(node: Node) -> Mapping[str, float]:
    """The value of a node, divided as that of its leaves is."""
    values: dict[str, float] = {}
    pending = [node]
    while pending:
        one = pending.pop()
        pending += one.children
        if one.own > 0:
            values[one.phase] = values.get(one.phase, 0.0) + one.own
    return values


def _graft(growing: _Growing, node: Node) -> None:
    """Add all that is below a node."""
    if node.own > 0:
        growing.add((), node.own, node.phase)
    for path, below in node.walk():
        if below.own > 0:
            growing.add(path, below.own, below.phase)


def module_label(module: Module) -> Label:
    """The label of a module."""
    return Label(Kind.MODULE, module.path or module.class_name)


def operator_label(key: OperatorKey) -> Label:
    """The label of an operator's leaves."""
    return Label(Kind.OPERATOR, key.name)
