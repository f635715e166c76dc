"""The calls of one window in the order in which they began: what the tables do not keep."""

from __future__ import annotations

import sys
import zlib
from array import array
from binascii import b2a_base64
from collections.abc import Iterable

from ...protocol.events import TraceEvent

MOST_CALLS = 200_000
"""Kept of a window; the tables have all of them."""
_LEVEL = 1
"""Of compression: the fastest one leaves a tenth more than the best."""


class Calls:
    """Columns with one entry per call of an operator, filled while the events of a window are visited."""

    __slots__ = ("durations_ns", "rows", "selves_ns", "starts_ns", "threads")

    def __init__(self) -> None:
        self.rows = array("q")
        """Number of its row, in the order of first use; ``~number`` for an only child of the same name, which the row
        does not count as another call."""
        self.starts_ns = array("q")
        self.durations_ns = array("q")
        self.selves_ns = array("q")
        self.threads = array("q")
        """The profiler's numbers of threads."""


class Uses:
    """Columns with one entry per execution or creation of a oneDNN primitive."""

    __slots__ = ("durations_ns", "rows", "starts_ns")

    def __init__(self) -> None:
        self.rows = array("q")
        """Number of its row in the `PrimitivesEvent`; ``~number`` of its row among the creations."""
        self.starts_ns = array("q")
        self.durations_ns = array("q")


class Trace:
    """What is known of the order of events in a window. Times are in nanoseconds since the epoch."""

    def __init__(self, calls: Calls, order: list[int], thread: int, ends_ns: list[int], phases: list[int]) -> None:
        self._calls = calls
        self._order = order
        """Place of each row in the window's rows; -1 for those left out there."""
        self._thread = thread
        self._ends_ns = ends_ns
        self._phases = phases
        self.uses = Uses()

    def event(self, window: int, step: int, end_unix_ns: int, began_unix_ns: int) -> TraceEvent:
        """Pack it for the recording; times count from `began_unix_ns` on."""
        calls, uses, order = self._calls, self.uses, self._order
        count = min(len(calls.rows), MOST_CALLS)
        rows = (order[row] + 1 if row >= 0 else ~(order[~row] + 1) for row in calls.rows[:count])
        return TraceEvent(
            window=window,
            step=step,
            end_unix_ns=end_unix_ns,
            began_unix_ns=began_unix_ns,
            thread=self._thread,
            calls=count,
            complete=count == len(calls.rows),
            columns={
                "call.row": _packed(rows),
                "call.start_ns": _packed(time_ns - began_unix_ns for time_ns in calls.starts_ns[:count]),
                "call.duration_ns": _packed(calls.durations_ns[:count]),
                "call.self_ns": _packed(calls.selves_ns[:count]),
                "call.thread": _packed(calls.threads[:count]),
                "phase.end_ns": _packed(time_ns - began_unix_ns for time_ns in self._ends_ns),
                "phase.phase": _packed(self._phases),
                "primitive.row": _packed(uses.rows[:MOST_CALLS]),
                "primitive.start_ns": _packed(time_ns - began_unix_ns for time_ns in uses.starts_ns[:MOST_CALLS]),
                "primitive.duration_ns": _packed(uses.durations_ns[:MOST_CALLS]),
            },
        )


def _packed(values: Iterable[int]) -> str:
    """64-bit integers as text: all lowest bytes first, then the next ones, compressed."""
    numbers = values if isinstance(values, array) else array("q", values)
    if sys.byteorder == "big":
        numbers = numbers[:]
        numbers.byteswap()
    data = numbers.tobytes()
    planes = b"".join(data[place::8] for place in range(8))
    return b2a_base64(zlib.compress(planes, _LEVEL), newline=False).decode("ascii")
