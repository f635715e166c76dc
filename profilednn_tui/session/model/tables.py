"""The names in all windows, each stored once: the rows of a window hold their numbers.

NumPy is imported on use: it takes a tenth of the time to the first frame, which has no window to show yet.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

from profilednn_tui.protocol.events import WindowEvent
from profilednn_tui.protocol.vocabulary import PHASES
from profilednn_tui.session.view import Frame, OperatorKey

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

Integers: TypeAlias = "npt.NDArray[np.int64]"

NONE = -1

MEASURES = ("calls", "self_ns", "total_ns")
"""The columns of a `NumberedWindow` that have medians, for operators and for call sites."""


@dataclass(frozen=True, slots=True)
class NumberedWindow:
    """One window, with rows and modules numbered by the shared `Tables`."""

    event: WindowEvent
    """Without its tables."""
    places: Integers
    """One per row, as in the columns that follow."""
    calls: Integers
    self_ns: Integers
    total_ns: Integers
    backward_ns: Integers
    """Self time run by the autograd engine."""
    outside: Integers
    """Nodes at which time was spent outside of operators."""
    outside_ns: Integers
    modules: Integers
    module_rows: Integers
    """Calls, forward_ns and backward_ns of each module."""


class _Index:
    """Values numbered in order of first occurrence."""

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
        self.place_values: list[tuple[int, int, int, int, int]] = []
        """Operator, node, forward node, module, phase."""

    @property
    def size(self) -> int:
        return len(self._places) + len(self._nodes)

    def read(self, event: WindowEvent) -> NumberedWindow:
        """Number the rows of a window."""
        import numpy as np

        operators = [self._operator(event, row) for row in event.operators]
        nodes = self._read_nodes(event)
        modules = self._read_modules(event)
        rows = row_matrix(event)
        places = [
            self._place((operators[row[0]], nodes[row[1]], nodes[row[2]], modules[row[3]], _known_phase(row[8])))
            for row in event.rows
        ]
        return NumberedWindow(
            event=_without_tables(event),
            places=np.array(places, dtype=np.int64),
            calls=rows[:, 4],
            self_ns=rows[:, 5],
            total_ns=rows[:, 6],
            backward_ns=rows[:, 5] * rows[:, 7],
            outside=np.array([nodes[row[0]] for row in event.outside], dtype=np.int64),
            outside_ns=outside_column(event),
            modules=np.array(modules[: len(event.modules)], dtype=np.int64),
            module_rows=np.array([row[2:5] for row in event.modules], dtype=np.int64).reshape(-1, 3),
        )

    def frames(self, node: int) -> tuple[Frame, ...]:
        """The call stack that ends in a node, outermost frame first."""
        return () if node == NONE else self._node_frames[node]

    def module_path(self, module: int) -> str:
        return "" if module == NONE else self.module_values[module][1]

    def _operator(self, event: WindowEvent, row: list[int]) -> int:
        key = operator_texts(event.strings, row)
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
                known[node] = NONE  # a damaged tree may contain a cycle
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

    def _place(self, value: tuple[int, int, int, int, int]) -> int:
        number = self._places.number(value)
        if number == len(self.place_values):
            self.place_values.append(value)
        return number


def operator_texts(strings: Sequence[str], row: Sequence[int]) -> tuple[str, ...]:
    """The texts of an `OperatorKey`, from a row of a window's operators."""
    return tuple("" if index < 0 else strings[index] for index in row[:4])


def outside_column(event: WindowEvent) -> Integers:
    """The times outside of operators; an error unless each is a 64-bit integer."""
    import numpy as np

    return np.array([row[1] for row in event.outside], dtype=np.int64)


def _known_phase(phase: int) -> int:
    return phase if 0 <= phase < len(PHASES) else NONE


def phase_name(phase: int) -> str:
    """The name of a phase; empty if unknown."""
    return PHASES[phase] if 0 <= phase < len(PHASES) else ""


def row_matrix(event: WindowEvent) -> Integers:
    """The rows of a window, nine columns wide; an error unless each row is nine 64-bit integers."""
    import numpy as np

    return np.array([row[:9] for row in event.rows], dtype=np.int64).reshape(-1, 9)


def _without_tables(event: WindowEvent) -> WindowEvent:
    empty: dict[str, list[object]] = {
        name: [] for name in ("strings", "frames", "nodes", "operators", "modules", "rows", "outside")
    }
    return WindowEvent(**{**vars(event), **empty})
