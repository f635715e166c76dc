"""The tables of several windows joined into one, and its rows with their medians over the windows.

One window is shown as it is. Of several each operator has its own median, so that a step in which it was interrupted
does not lead the table; an operator that a window does not have counts as 0 in it. Where shapes vary from step to step
and a row is in few windows, what the median of all operators of its name leaves is shared out by the means. The places
that call an operator have their own medians, too, scaled to add up to the operator's figures.

NumPy is imported where it is called: a tenth of the time to the first picture, which has no window to show yet.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from statistics import median
from typing import TYPE_CHECKING, TypeAlias, overload

from profilednn_tui.protocol.events import WindowEvent
from profilednn_tui.session.view import Frame, Module, Operator, OperatorKey, Operators, Stack

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

    event: WindowEvent
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

    def read(self, event: WindowEvent) -> Figures:
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

    def _operator(self, event: WindowEvent, row: list[int]) -> int:
        key = tuple("" if index < 0 else event.strings[index] for index in row[:4])
        number = self._operators.number(key)
        if number == len(self.operator_keys):
            self.operator_keys.append(OperatorKey(*key))
        return number

    def _read_nodes(self, event: WindowEvent) -> list[int]:
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

    def _frame(self, event: WindowEvent, row: list[int]) -> int:
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

    def _read_modules(self, event: WindowEvent) -> list[int]:
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


def figures(event: WindowEvent) -> Integers:
    """The rows of a window as a matrix; an error for what is not eight integers of 64 bits."""
    import numpy as np

    return np.array([row[:8] for row in event.rows], dtype=np.int64).reshape(-1, 8)


def merge(tables: Tables, windows: Sequence[Figures]) -> Operators:
    """The operators and modules of some windows of one step each, oldest first."""
    events = [window.event for window in windows]
    self_ns_per_step = float(median(event.operator_ns for event in events))
    left_out_ns = median(window.event.operator_ns - int(window.self_ns.sum()) for window in windows)
    rows = _operators(tables, windows, self_ns_per_step)
    return Operators(
        windows=tuple(event.number for event in events),
        step=events[-1].step,
        end_unix_ns=events[-1].end_unix_ns,
        rows=rows,
        modules=_modules(tables, windows),
        self_ns_per_step=self_ns_per_step,
        profiled_step_ns=float(median(event.duration_ns for event in events)),
        stacks=any(event.stacks for event in events),
        truncated=any(event.truncated for event in events),
        steps=tuple(event.step for event in events),
        gap_ns_per_step=self_ns_per_step - left_out_ns - sum(row.self_ns_per_step for row in rows),
    )


def _operators(tables: Tables, windows: Sequence[Figures], self_ns_per_step: float) -> tuple[Operator, ...]:
    import numpy as np

    places, place_of = np.unique(np.concatenate([window.places for window in windows]), return_inverse=True)
    place_of = place_of.reshape(-1)
    values = [tables.place_values[place] for place in places.tolist()]
    numbers, operator_of = np.unique(np.array([value[0] for value in values], dtype=np.int64), return_inverse=True)
    operator_of = operator_of.reshape(-1)
    keys = [tables.operator_keys[number] for number in numbers.tolist()]
    names = np.unique([key.name for key in keys], return_inverse=True)[1].reshape(-1)

    by_operator = _Matrices(windows, operator_of[place_of], len(keys))
    columns = [by_operator.of(column) for column in _COLUMNS]
    figures = [_medians(column, names) for column in columns]
    own, backward = columns[1], by_operator.of("backward_ns")
    earlier = np.median(own[:-1], axis=0) if len(windows) >= TREND_WINDOWS else np.zeros(len(keys))

    merged = _CallSites(tables, values, operator_of, _Matrices(windows, place_of, len(values)), figures)
    lists = [column.tolist() for column in (*figures, own.sum(axis=0), backward.sum(axis=0), own[-1], earlier)]
    rows = []
    first = 0
    for key, end, calls, own_ns, total_ns, sum_ns, backward_ns, newest_ns, earlier_ns in zip(
        keys, np.cumsum(np.bincount(operator_of, minlength=len(keys))).tolist(), *lists, strict=True
    ):
        rows.append(
            Operator(
                key=key,
                calls_per_step=calls,
                self_ns_per_step=own_ns,
                total_ns_per_step=total_ns,
                share=own_ns / self_ns_per_step if self_ns_per_step else 0.0,
                backward=backward_ns * 2 > sum_ns,
                trend=newest_ns / earlier_ns if earlier_ns > 0 else None,
                modules=merged.modules(first, end),
                stacks=_CallSiteStacks(merged, first, end),
            )
        )
        first = end
    rows.sort(key=lambda row: (-row.self_ns_per_step, row.key.name, row.key.input_shapes))
    return tuple(rows)


_COLUMNS = ("calls", "self_ns", "total_ns")


class _Matrices:
    """Columns of several windows, summed by group: shape (windows, groups)."""

    def __init__(self, windows: Sequence[Figures], group_of: Integers, groups: int) -> None:
        import numpy as np

        self._windows = windows
        self._shape = (len(windows), groups)
        self._cells = np.repeat(np.arange(len(windows)) * groups, [len(window.places) for window in windows]) + group_of

    def of(self, column: str) -> Floats:
        import numpy as np

        weights = np.concatenate([getattr(window, column) for window in self._windows])
        cells = np.bincount(self._cells, weights=weights, minlength=self._shape[0] * self._shape[1])
        return np.asarray(cells, np.float64).reshape(self._shape)


def _medians(figures: Floats, names: Integers) -> Floats:
    """The median of each operator; those in few windows, which have none, share what their name's median leaves."""
    import numpy as np

    medians: Floats = np.median(figures, axis=0)
    means = np.where(medians == 0, figures.mean(axis=0), 0.0)
    if not means.any():
        return medians
    count = int(names.max()) + 1
    by_name = np.stack([np.bincount(names, weights=row, minlength=count) for row in figures])
    left = np.median(by_name, axis=0) - np.bincount(names, weights=medians, minlength=count)
    shared = np.bincount(names, weights=means, minlength=count)
    part = np.divide(np.maximum(left, 0.0), shared, out=np.zeros(count), where=shared > 0)
    shares: Floats = means * part[names]
    return medians + shares


class _CallSites:
    """The places of all operators with their figures a step, computed when one is looked at.

    Places are in the order of their operators, in each the heaviest first.
    """

    def __init__(
        self,
        tables: Tables,
        values: list[tuple[int, int, int, int]],
        operator_of: Integers,
        matrices: _Matrices,
        wanted: Sequence[Floats],
    ) -> None:
        import numpy as np

        self._tables = tables
        self._values = values
        self._operator_of = operator_of
        self._matrices = matrices
        self._wanted = wanted
        """Calls, self and total time of each operator, to which its places add up."""
        own = matrices.of("self_ns").sum(axis=0)
        self._by_time: list[int] = np.lexsort((-own, operator_of)).tolist()

    def modules(self, first: int, end: int) -> tuple[str, ...]:
        """Paths of the modules of some places."""
        numbers = dict.fromkeys(self._values[index][3] for index in self._by_time[first:end])
        return tuple(dict.fromkeys(filter(None, map(self._tables.module_path, numbers))))

    def stack(self, index: int) -> Stack:
        order, calls, own, total = self._figures
        place = order[index]
        _, node, forward_node, module = self._values[place]
        tables = self._tables
        return Stack(
            tables.frames(node), tables.frames(forward_node), tables.module_path(module),
            calls[place], own[place], total[place],
        )  # fmt: skip

    @cached_property
    def _figures(self) -> tuple[list[int], list[float], list[float], list[float]]:
        import numpy as np

        columns = zip(_COLUMNS, self._wanted, strict=True)
        calls, own, total = (self._scaled(self._matrices.of(column), wanted) for column, wanted in columns)
        order = np.lexsort((-own, self._operator_of))
        return order.tolist(), calls.tolist(), own.tolist(), total.tolist()

    def _scaled(self, figures: Floats, wanted: Floats) -> Floats:
        """The median of each place, or where an operator's places have none the means, scaled to what is wanted."""
        import numpy as np

        def scale(per_place: Floats) -> tuple[Floats, Floats]:
            sums = np.asarray(np.bincount(self._operator_of, per_place, len(wanted)), np.float64)
            factors = np.divide(wanted, sums, out=np.zeros(len(wanted)), where=sums > 0)
            return per_place * factors[self._operator_of], sums

        scaled, sums = scale(np.median(figures, axis=0))
        if not ((sums <= 0) & (wanted > 0)).any():
            return scaled
        return np.where((sums > 0)[self._operator_of], scaled, scale(figures.mean(axis=0))[0])


class _CallSiteStacks(Sequence[Stack]):
    """The stacks of one operator, made when they are looked at: of thousands, a screen shows a few."""

    __slots__ = ("_end", "_first", "_places")

    def __init__(self, places: _CallSites, first: int, end: int) -> None:
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


def _modules(tables: Tables, windows: Sequence[Figures]) -> tuple[Module, ...]:
    import numpy as np

    # A module may have several rows in a window; the newest window decides the order.
    numbers = {module: None for window in reversed(windows) for module in window.modules.tolist()}
    index = {module: place for place, module in enumerate(numbers)}
    figures = np.zeros((len(windows), len(numbers), 3))
    for row, window in enumerate(windows):
        np.add.at(figures[row], [index[module] for module in window.modules.tolist()], window.module_figures)
    medians = dict(zip(numbers, np.median(figures, axis=0).tolist(), strict=True))
    children: dict[int, list[int]] = {}
    for module in numbers:
        children.setdefault(tables.module_values[module][0], []).append(module)

    modules: list[Module] = []
    pending = [(module, 0) for module in reversed(children.get(NONE, []))]
    while pending:
        module, depth = pending.pop()
        _, path, class_name = tables.module_values[module]
        calls, forward_ns, backward_ns = medians[module]
        below = children.get(module, [])
        modules.append(
            Module(
                path, class_name, depth, calls, forward_ns, backward_ns,
                tuple(tables.module_path(child) for child in below),
            )
        )  # fmt: skip
        pending.extend((child, depth + 1) for child in reversed(below))
    return tuple(modules)


def _without_tables(event: WindowEvent) -> WindowEvent:
    empty: dict[str, list[object]] = {
        name: [] for name in ("strings", "frames", "nodes", "operators", "modules", "rows")
    }
    return WindowEvent(**{**vars(event), **empty})
