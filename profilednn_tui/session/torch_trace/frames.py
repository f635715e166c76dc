"""Python frames of a torch trace: its events tell where a function begins and from which line it was called."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from profilednn_tui.session.torch_trace.file import TorchEvent

NONE = -1
_FUNCTION = re.compile(r"(.+)\((\d+)\): (.+)", re.DOTALL)
"""``torch/nn/modules/conv.py(546): _conv_forward``"""


@dataclass(frozen=True, slots=True)
class _Running:
    """Where an event is in the call tree."""

    above: int
    """The node of the line that called the function, or that runs."""
    file: str = ""
    function: str = ""
    """Empty for what is no Python function."""
    line: int = 0
    """At which the function is defined."""


_NOWHERE = _Running(NONE)


class Frames:
    """The call tree, and the place of each event in it."""

    def __init__(self) -> None:
        self._running: dict[int, _Running] = {}
        self._frames: dict[tuple[str, int, str], int] = {}
        self._nodes: dict[tuple[int, int], int] = {}

    def enter(self, event: TorchEvent | None, key: int, around: int) -> None:
        """Note the place of an event, known as `key`, inside of the one that is known as `around`; 0 for none.

        An operator (None) is where the function around it is.
        """
        outer = self._running.get(around, _NOWHERE)
        if event is None:
            self._running[key] = outer
            return
        at = self._called_from(outer, event.arguments.call_from)
        named = _FUNCTION.fullmatch(event.name)
        self._running[key] = _Running(at, named[1], named[3], int(named[2][:9])) if named else _Running(at)

    def node(self, key: int) -> int:
        """The node of an event: the line that is executing, as far as it is known."""
        return self._called_from(self._running[key], "")

    def tables(self, string: Callable[[str], int]) -> tuple[list[list[int]], list[list[int]]]:
        """Frames and nodes as in a `WindowEvent`."""
        frames = [[string(file), line, string(function)] for file, line, function in self._frames]
        return frames, [list(node) for node in self._nodes]

    def _called_from(self, outer: _Running, call_from: str) -> int:
        if not outer.function:
            return outer.above
        file, _, line = call_from.rpartition(":")
        known = file == outer.file and line.isdecimal()
        frame = outer.file, int(line[:9]) if known else outer.line, outer.function
        number = self._frames.setdefault(frame, len(self._frames))
        return self._nodes.setdefault((outer.above, number), len(self._nodes))
