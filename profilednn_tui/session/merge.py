"""The tables of several windows joined into one, and its rows averaged per step.

NumPy is imported where it is called: a tenth of the time to the first picture, which has no window to show yet.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias, overload

from profilednn_tui import protocol
from profilednn_tui.session.records import Frame, Module, Operator, OperatorKey, Operators, Stack

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

NONE = -1
TREND_WINDOWS = 4
"""The first windows still warm up: fewer would show trends that are none."""

Integers: TypeAlias = "npt.NDArray[np.int64]"
Floats: TypeAlias = "npt.NDArray[np.float64]"


@dataclass(frozen=True, slots=True)
class Figures:
    """One window with its rows numbered by the shared `Tables`."""

    event: protocol.Window
    """Without its tables."""
    places: Integers
    calls: Integers
    self_ns: Integers
    total_ns: Integers
    backward_ns: Integers
    """Self time that the autograd engine ran."""
    modules: Integers
    module_figures: Integers
    """A row a module: calls, forward_ns, backward_ns."""


class _Index:
    """Values numbered in the order in which they are first met."""

    def __init__(self) -> None:
        self.numbers: dict[tuple[object, ...], int] = {}

    def __len__(self) -> int:
        return len(self.numbers)

    def number(self, value: tuple[object, ...]) -> int:
        return self.numbers.setdefault(value, len(self.numbers))


class Tables:
    """Frames, stacks, operators and modules of all windows, each stored once.

    Stacks are a tree of (parent, frame) pairs, so that comparing two of them compares two integers.
    """

    def __init__(self) -> None:
        self._frames = _Index()
        self._nodes = _Index()
        self._operators = _Index()
        self._modules = _Index()
        self._places = _Index()
        self._frame_values: list[Frame] = []
        self._node_frames: list[tuple[Frame, ...]] = []
        self.operator_keys: list[OperatorKey] = []
        self.module_values: list[tuple[int, str, str]] = []
        """Parent, path, class name."""
        self.place_values: list[tuple[int, int, int, int]] = []
        """Operator, node, forward node, module."""

    @property
    def size(self) -> int:
        return len(self._places) + len(self._nodes)

    def read(self, event: protocol.Window) -> Figures:
        """Number the rows of a window."""
        import numpy as np

        operators = [self._operator(event, row) for row in event.operators]
        nodes = self._read_nodes(event)
        modules = self._read_modules(event)
        rows = figures(event)
        places = [self._place((operators[row[0]], nodes[row[1]], nodes[row[2]], modules[row[3]])) for row in event.rows]
        return Figures(
            event=_without_tables(event),
            places=np.array(places, dtype=np.int64),
            calls=rows[:, 4],
            self_ns=rows[:, 5],
            total_ns=rows[:, 6],
            backward_ns=rows[:, 5] * rows[:, 7],
            modules=np.array(modules[: len(event.modules)], dtype=np.int64),
            module_figures=np.array([row[2:5] for row in event.modules], dtype=np.int64).reshape(-1, 3),
        )

    def frames(self, node: int) -> tuple[Frame, ...]:
        """The call stack that ends in a node, outermost first."""
        return () if node == NONE else self._node_frames[node]

    def module_path(self, module: int) -> str:
        return "" if module == NONE else self.module_values[module][1]

    def _operator(self, event: protocol.Window, row: list[int]) -> int:
        key = tuple("" if index < 0 else event.strings[index] for index in row[:4])
        number = self._operators.number(key)
        if number == len(self.operator_keys):
            self.operator_keys.append(OperatorKey(*key))
        return number

    def _read_nodes(self, event: protocol.Window) -> list[int]:
        frames = [self._frame(event, row) for row in event.frames]
        known: dict[int, int] = {NONE: NONE}
        for node in range(len(event.nodes)):
            path = []
            while node not in known:
                known[node] = NONE  # a damaged tree may hold a ring
                path.append(node)
                node = event.nodes[node][0]
            parent = known[node]
            for node in reversed(path):
                parent = known[node] = self._node(parent, frames[event.nodes[node][1]])
        return [known[node] for node in range(len(event.nodes))] + [NONE]  # so that index -1 means none

    def _frame(self, event: protocol.Window, row: list[int]) -> int:
        value = (event.strings[row[0]], row[1], event.strings[row[2]])
        number = self._frames.number(value)
        if number == len(self._frame_values):
            self._frame_values.append(Frame(*value))
        return number

    def _node(self, parent: int, frame: int) -> int:
        number = self._nodes.number((parent, frame))
        if number == len(self._node_frames):
            self._node_frames.append((*self.frames(parent), self._frame_values[frame]))
        return number

    def _read_modules(self, event: protocol.Window) -> list[int]:
        known: dict[int, int] = {NONE: NONE}
        for module in range(len(event.modules)):
            path = []
            while module not in known:
                known[module] = NONE
                path.append(module)
                module = event.modules[module][5]
            parent = known[module]
            for module in reversed(path):
                row = event.modules[module]
                parent = known[module] = self._module((parent, event.strings[row[0]], event.strings[row[1]]))
        return [known[module] for module in range(len(event.modules))] + [NONE]

    def _module(self, value: tuple[int, str, str]) -> int:
        number = self._modules.number(value)
        if number == len(self.module_values):
            self.module_values.append(value)
        return number

    def _place(self, value: tuple[int, int, int, int]) -> int:
        number = self._places.number(value)
        if number == len(self.place_values):
            self.place_values.append(value)
        return number


def figures(event: protocol.Window) -> Integers:
    """The rows of a window as a matrix; an error for what is not eight integers of 64 bits."""
    import numpy as np

    return np.array([row[:8] for row in event.rows], dtype=np.int64).reshape(-1, 8)


def merge(tables: Tables, windows: Sequence[Figures]) -> Operators:
    """The operators and modules of some windows of one step each, oldest first, averaged."""
    events = [window.event for window in windows]
    self_ns_per_step = sum(event.operator_ns for event in events) / len(events)
    return Operators(
        windows=tuple(event.number for event in events),
        step=events[-1].step,
        end_unix_ns=events[-1].end_unix_ns,
        rows=_operators(tables, windows, self_ns_per_step),
        modules=_modules(tables, windows),
        self_ns_per_step=self_ns_per_step,
        profiled_step_ns=sum(event.duration_ns for event in events) / len(events),
        stacks=any(event.stacks for event in events),
        truncated=any(event.truncated for event in events),
    )


def _operators(tables: Tables, windows: Sequence[Figures], self_ns_per_step: float) -> tuple[Operator, ...]:
    import numpy as np

    places, inverse = np.unique(np.concatenate([window.places for window in windows]), return_inverse=True)
    inverse = inverse.reshape(-1)

    def per_step(column: str) -> Floats:
        weights = np.concatenate([getattr(window, column) for window in windows])
        return np.bincount(inverse, weights=weights, minlength=len(places)) / len(windows)

    calls, own, total, backward = (per_step(name) for name in ("calls", "self_ns", "total_ns", "backward_ns"))
    newest = windows[-1]
    newest_own = np.bincount(np.searchsorted(places, newest.places), weights=newest.self_ns, minlength=len(places))
    values = [tables.place_values[place] for place in places.tolist()]
    operators = np.array([value[0] for value in values], dtype=np.int64)
    # Operator by operator, and in each the heaviest place first.
    order = np.lexsort((-own, operators))
    firsts = np.flatnonzero(np.diff(operators[order], prepend=NONE))
    columns = [np.asarray(column, np.float64)[order] for column in (calls, own, total, backward, newest_own)]
    sums = [np.add.reduceat(column, firsts).tolist() if len(firsts) else [] for column in columns]
    merged = _Places(tables, [values[index] for index in order.tolist()], *columns[:3])
    ends = [*firsts.tolist()[1:], len(order)]

    rows = []
    for first, end, *figures in zip(firsts.tolist(), ends, *sums, strict=True):
        calls_per_step, own_ns, total_ns, backward_ns, newest_ns = figures
        rows.append(
            Operator(
                key=tables.operator_keys[merged.values[first][0]],
                calls_per_step=calls_per_step,
                self_ns_per_step=own_ns,
                total_ns_per_step=total_ns,
                share=own_ns / self_ns_per_step if self_ns_per_step else 0.0,
                backward=backward_ns * 2 > own_ns,
                trend=_trend(newest_ns, own_ns, len(windows)),
                modules=merged.modules(first, end),
                stacks=_PlaceStacks(merged, first, end),
            )
        )
    rows.sort(key=lambda row: (-row.self_ns_per_step, row.key.name, row.key.input_shapes))
    return tuple(rows)


@dataclass(frozen=True, slots=True)
class _Places:
    """The places of all operators with their figures a step."""

    tables: Tables
    values: list[tuple[int, int, int, int]]
    calls: Floats
    self_ns: Floats
    total_ns: Floats

    def modules(self, first: int, end: int) -> tuple[str, ...]:
        """Paths of the modules of some places."""
        numbers = dict.fromkeys(value[3] for value in self.values[first:end])
        return tuple(dict.fromkeys(filter(None, map(self.tables.module_path, numbers))))

    def stack(self, index: int) -> Stack:
        _, node, forward_node, module = self.values[index]
        tables = self.tables
        return Stack(
            tables.frames(node), tables.frames(forward_node), tables.module_path(module),
            float(self.calls[index]), float(self.self_ns[index]), float(self.total_ns[index]),
        )  # fmt: skip


class _PlaceStacks(Sequence[Stack]):
    """The stacks of one operator, made when they are looked at: of thousands, a screen shows a few."""

    __slots__ = ("_end", "_first", "_places")

    def __init__(self, places: _Places, first: int, end: int) -> None:
        self._places = places
        self._first = first
        self._end = end

    def __len__(self) -> int:
        return self._end - self._first

    @overload
    def __getitem__(self, index: int) -> Stack: ...

    @overload
    def __getitem__(self, index: slice) -> Sequence[Stack]: ...

    def __getitem__(self, index: int | slice) -> Stack | Sequence[Stack]:
        indices = range(self._first, self._end)[index]
        return self._places.stack(indices) if isinstance(indices, int) else [*map(self._places.stack, indices)]

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Sequence) and tuple(self) == tuple(other)

    def __hash__(self) -> int:
        return hash(tuple(self))


def _trend(newest_ns: float, mean_ns: float, windows: int) -> float | None:
    earlier_ns = mean_ns * windows - newest_ns
    return newest_ns / (earlier_ns / (windows - 1)) if windows >= TREND_WINDOWS and earlier_ns > 0 else None


def _modules(tables: Tables, windows: Sequence[Figures]) -> tuple[Module, ...]:
    sums: dict[int, Integers] = {}
    for window in reversed(windows):  # the newest decides the order
        for module, figures in zip(window.modules.tolist(), window.module_figures, strict=True):
            sums[module] = sums[module] + figures if module in sums else figures
    children: dict[int, list[int]] = {}
    for module in sums:
        children.setdefault(tables.module_values[module][0], []).append(module)

    modules: list[Module] = []
    pending = [(module, 0) for module in reversed(children.get(NONE, []))]
    while pending:
        module, depth = pending.pop()
        _, path, class_name = tables.module_values[module]
        calls, forward_ns, backward_ns = (sums[module] / len(windows)).tolist()
        below = children.get(module, [])
        modules.append(
            Module(
                path, class_name, depth, calls, forward_ns, backward_ns,
                tuple(tables.module_path(child) for child in below),
            )
        )  # fmt: skip
        pending.extend((child, depth + 1) for child in reversed(below))
    return tuple(modules)


def _without_tables(event: protocol.Window) -> protocol.Window:
    empty: dict[str, list[object]] = {
        name: [] for name in ("strings", "frames", "nodes", "operators", "modules", "rows")
    }
    return protocol.Window(**{**vars(event), **empty})
