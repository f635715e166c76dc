"""The tables of a window: each entry is stored once and referred to by its index.

Rows are lists with the protocol's columns, because there are thousands per window.
"""

from __future__ import annotations

from typing import Any

from ...protocol.events import COLUMNS

NONE = -1
"""Index for no entry."""

_ROW = COLUMNS["window.rows"]
NODE, CALLS, SELF_NS, TOTAL_NS = (_ROW.index(name) for name in ("node", "calls", "self_ns", "total_ns"))
"""Columns of `WindowEvent.rows`."""
NUMBER = len(_ROW)
"""The column after them: the number of a row, in the order of first use."""

_MODULE = COLUMNS["window.modules"]
_CALLS, _FORWARD_NS, _BACKWARD_NS, _PARENT = (
    _MODULE.index(name) for name in ("calls", "forward_ns", "backward_ns", "parent")
)


class StringTable:
    """Strings in order of first use."""

    def __init__(self) -> None:
        self._indexes: dict[str, int] = {}

    def index(self, text: str) -> int:
        """The index of `text`, which is added if it is new."""
        return self._indexes.setdefault(text, len(self._indexes))

    def texts(self) -> list[str]:
        """All strings, by index."""
        return list(self._indexes)


class ModuleTable:
    """Modules, parents before their children."""

    def __init__(self, strings: StringTable, paths: dict[int, str]) -> None:
        self._strings = strings
        self._paths = paths
        self._indexes: dict[int, int] = {}
        self.rows: list[list[int]] = []

    def index(self, info: Any, parent: int) -> int:
        """The index of the module described by torch's `info`; a new one is added below `parent`."""
        identity = info.self_ptr
        index = self._indexes.get(identity)
        if index is None:
            index = self._indexes[identity] = len(self.rows)
            name = str(info.cls_name)
            path = self._paths.get(identity, "")
            self.rows.append([self._strings.index(path or name), self._strings.index(name), 0, 0, 0, parent])
        return index

    def add_call(self, module: int, forward_ns: int) -> None:
        """Count a call and its time."""
        row = self.rows[module]
        row[_CALLS] += 1
        row[_FORWARD_NS] += forward_ns

    def add_backward(self, module: int, backward_ns: int) -> None:
        """Add time of the backward pass; parents do not include it yet."""
        self.rows[module][_BACKWARD_NS] += backward_ns

    def add_backward_to_parents(self) -> None:
        """Add each module's backward time to its parent's."""
        for row in reversed(self.rows):  # children first
            if row[_PARENT] != NONE:
                self.add_backward(row[_PARENT], row[_BACKWARD_NS])
