"""The training thread's wall time, divided among phases without a gap.

One phase is current at any time; a switch closes the running piece and opens the next, so the phases of a step add
up to its wall time by construction. The time between a forward pass and the backward pass that follows is the
loss; it is known to be that only when the backward pass begins, so until then it is held back.
"""

from __future__ import annotations

from time import perf_counter_ns
from typing import Callable, NamedTuple

DATA, FORWARD, BACKWARD, LOSS, OPTIMIZER, OTHER, _GAP = range(7)
_ROW_ORDER = (DATA, FORWARD, LOSS, BACKWARD, OPTIMIZER, OTHER)  # that of protocol.PHASES


class Cut(NamedTuple):
    """A moment between two steps."""

    now_ns: int
    totals_ns: tuple[int, ...]
    """Cumulative phase totals."""

    def phases_since(self, earlier: Cut) -> list[int]:
        """Nanoseconds of each phase between two cuts, in the order of `protocol.PHASES`."""
        return [self.totals_ns[phase] - earlier.totals_ns[phase] for phase in _ROW_ORDER]


class Timeline:
    """Phase totals in nanoseconds; `enter` and `leave` bracket a call of the training thread."""

    __slots__ = ("_base", "_clock", "_current", "_held_ns", "_mark_ns", "_totals", "busy", "calls", "thread")

    def __init__(self, clock: Callable[[], int] = perf_counter_ns) -> None:
        self._clock = clock
        self._totals: list[int] = [0] * 7
        self._base = OTHER
        self._current = OTHER
        self._held_ns = 0
        self._mark_ns = clock()
        self.busy = False
        """Whether a data, forward or backward call is open: what it calls in turn belongs to it."""
        self.calls = 0
        """Number of switches so far, for the account of our own cost."""
        self.thread: int | None = None
        """Python's identifier of the training thread; nothing before its first activity."""

    def enter(self, phase: int) -> int:
        """Make `phase` current; returns what `leave` needs."""
        now = self._clock()
        current = self._current
        elapsed = now - self._mark_ns
        if current == _GAP:
            self._held_ns += elapsed
            if phase == BACKWARD:
                self._settle(LOSS)
            elif phase != FORWARD:
                self._settle(self._base)
        else:
            self._totals[current] += elapsed
        self._mark_ns = now
        self._current = phase
        self.busy = True
        self.calls += 1
        return current

    def leave(self, previous: int) -> None:
        """Close a data or backward call."""
        now = self._clock()
        self._totals[self._current] += now - self._mark_ns
        self._mark_ns = now
        self._current = previous = self._base if previous == _GAP else previous
        self.busy = previous <= BACKWARD
        self.calls += 1

    def leave_forward(self, is_loss: bool) -> None:
        """Close a call of a root module; `is_loss` says that the module computed the loss."""
        now = self._clock()
        self._totals[LOSS if is_loss else FORWARD] += now - self._mark_ns
        if not is_loss and self._held_ns:
            self._settle(self._base)
        self._mark_ns = now
        self._current = _GAP
        self.busy = False
        self.calls += 1

    def enter_optimizer(self) -> None:
        """The optimizer's update begins; forward and backward calls of a closure still count as such."""
        self._rebase(OPTIMIZER)

    def leave_optimizer(self) -> None:
        """The optimizer's update is done."""
        self._rebase(OTHER)

    def cut(self) -> Cut:
        """Close the running piece: a boundary between two steps."""
        return Cut(self._close(), tuple(self._totals))

    def skip(self) -> int:
        """Leave out what has passed since the last switch: it was spent by us. Returns the time."""
        self._mark_ns = now = self._clock()
        return now

    def _rebase(self, base: int) -> None:
        self._close()
        self._base = base
        if not self.busy:
            self._current = base
        self.calls += 1

    def _close(self) -> int:
        self._mark_ns, before = (now := self._clock()), self._mark_ns
        if self._current == _GAP:
            self._held_ns += now - before
            self._settle(self._base)
            self._current = self._base
        else:
            self._totals[self._current] += now - before
        return now

    def _settle(self, phase: int) -> None:
        self._totals[phase] += self._held_ns
        self._held_ns = 0
