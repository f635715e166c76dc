"""Call stacks as a tree: a node is a line of code together with the node that called it."""

from __future__ import annotations

import os
import sys
from functools import cache
from typing import Any

from .tables import StringTable

_OUR_FILES = os.path.join("profilednn_tui", "agent") + os.sep

CodeLine = tuple[str, int, str]
"""File, line, function."""


class CallTree:
    """The distinct call stacks of a window, without the agent's own frames."""

    def __init__(self, strings: StringTable) -> None:
        self._strings = strings
        self._nodes: dict[tuple[int, CodeLine], int] = {}
        self._frames: dict[CodeLine, int] = {}
        self._is_ours: dict[str, bool] = {}
        self.nodes: list[list[int]] = []
        """As in `protocol.WindowEvent`; so are `frames`."""
        self.frames: list[list[int]] = []

    def node(self, above: int, line: CodeLine) -> int:
        """The node of `line` called from node `above`; `above` itself if the line is in the agent's code."""
        index = self._nodes.get((above, line))
        if index is None:
            if self.is_ours(line[0]):
                index = above
            else:
                index = len(self.nodes)
                self.nodes.append([above, self._frame(line)])
            self._nodes[above, line] = index
        return index

    def _frame(self, line: CodeLine) -> int:
        index = self._frames.get(line)
        if index is None:
            file, number, function = line
            index = self._frames[line] = len(self.frames)
            self.frames.append([self._strings.index(_full_path(file)), number, self._strings.index(function)])
        return index

    def is_ours(self, file: str) -> bool:
        """Whether a file belongs to the agent."""
        known = self._is_ours.get(file)
        if known is None:
            known = self._is_ours[file] = _OUR_FILES in file
        return known


class RunningFrame:
    """A running Python frame and the last call it made.

    The profiler does not see ``a + b`` as a call. Its operator is attributed to the line of the frame's previous call,
    because its operands mostly come from a call on the same line.
    """

    __slots__ = ("_above", "_call", "_line", "_outer", "last_call")

    def __init__(self, call: Any, outer: RunningFrame | None, above: int) -> None:
        self._call = call
        self._outer = outer
        """The calling frame; None once `_above` is the node of its calling line."""
        self._above = above
        self._line: CodeLine | None = None
        self.last_call: Any = None

    def node(self, tree: CallTree) -> int:
        """The node of the line that is executing."""
        if self._outer is not None:
            self._resolve(tree)
        return tree.node(self._above, self._current_line())

    def definition(self, tree: CallTree) -> int:
        """The node of the function's ``def``, for time between its calls: the line is not known."""
        return tree.node(self.above(tree), self._definition())

    def is_ours(self, tree: CallTree) -> bool:
        """Whether the frame runs the agent's code."""
        return tree.is_ours(self._definition()[0])

    def _definition(self) -> CodeLine:
        site = self._call.callsite
        return site.file_name, site.line_number, site.function_name

    def above(self, tree: CallTree) -> int:
        """The node of the line that called this frame; resolved lazily because most frames run no operator."""
        if self._outer is not None:
            self._resolve(tree)
        return self._above

    def _resolve(self, tree: CallTree) -> None:
        frame, unresolved = self, []
        while frame._outer is not None:
            unresolved.append(frame)
            frame = frame._outer
        node = frame._above
        for frame in reversed(unresolved):
            node = frame._above = tree.node(node, calling_line(frame._call))
            frame._outer = None

    def _current_line(self) -> CodeLine:
        line = self._line
        if line is None:
            line = self._line = self._definition()
        if self.last_call is not None:
            caller = self.last_call.caller
            self.last_call = None
            if caller.file_name == line[0]:
                line = self._line = (line[0], caller.line_number, line[2])
        return line


def calling_line(call: Any) -> CodeLine:
    """The line that made a Python or C call."""
    caller = call.caller
    return caller.file_name, caller.line_number, caller.function_name


@cache
def _full_path(file: str) -> str:
    """Restore the full path of a source file, from which torch strips the entry of sys.path."""
    if not os.path.isabs(file) and not file.startswith("<"):
        for folder in sys.path:
            candidate = os.path.join(folder or os.curdir, file)
            if os.path.isfile(candidate):
                return os.path.abspath(candidate)
    return file
