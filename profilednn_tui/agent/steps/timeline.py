"""The training thread's wall time, divided among phases without a gap, and what the hooks took of it.

One phase is current at any time; a switch closes the running piece and opens the next, so the phases of a step add
up to its wall time by construction. The time between a forward pass and the backward pass that follows is the
loss; it is known to be that only when the backward pass begins, so until then it is held back. A module call without
gradients in between, as that of a teacher, leaves it open.

What a hook costs is measured where it happens: from the time noted at its beginning (`now`) to `enter`, and from
`leave` to the end. Calibrating a hook in a loop would find a tenth: in a training the caches are full of other things.
"""

from __future__ import annotations

from collections import deque
from time import perf_counter_ns
from typing import Callable, NamedTuple

DATA, FORWARD, INFERENCE, BACKWARD, LOSS, OPTIMIZER, OTHER, GAP = range(8)
_ROW_ORDER = (DATA, FORWARD, LOSS, BACKWARD, OPTIMIZER, INFERENCE, OTHER)  # that of protocol.PHASES


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

    __slots__ = (
        "_base", "_elsewhere", "_held_ns", "_mark_ns", "_totals", "busy", "current", "hooks_ns", "now", "thread",
    )  # fmt: skip

    def __init__(self, clock: Callable[[], int] = perf_counter_ns) -> None:
        self.now = clock
        """The clock."""
        self._totals: list[int] = [0] * 8
        self._base = OTHER
        self.current = OTHER
        """The phase under way; `GAP` from a forward pass on."""
        self._held_ns = 0
        self._mark_ns = clock()
        self._elsewhere: deque[tuple[int, int]] = deque(maxlen=64)
        """Backward passes that other threads have made for the training thread: begin and end."""
        self.busy = False
        """Whether a data, module or backward call is open: what it calls in turn belongs to it."""
        self.hooks_ns = 0
        """What the hooks have cost so far."""
        self.thread: int | None = None
        """Python's identifier of the training thread; nothing before its first activity."""

    @property
    def updating(self) -> bool:
        """Whether an optimizer's update is under way, with its closure."""
        return self._base == OPTIMIZER

    def enter(self, phase: int, hook_began_ns: int) -> int:
        """Make `phase` current; returns what `leave` needs."""
        now = self.now()
        mark = self._mark_ns  # inside the hook, if that cut or skipped
        self.hooks_ns += now - (hook_began_ns if hook_began_ns > mark else mark)
        current = self.current
        if current == GAP:
            self._hold(now)
            if phase == BACKWARD:
                self._settle(LOSS)
                current = self._base
            elif phase == DATA:
                self._settle(self._base)
                current = self._base
        else:
            self._totals[current] += now - mark
        self._mark_ns = now
        self.current = phase
        self.busy = True
        return current

    def leave(self, previous: int) -> None:
        """Close a data or backward call, or a module call without gradients."""
        now = self.now()
        self._totals[self.current] += now - self._mark_ns
        self._mark_ns = now
        self.current = previous
        self.busy = previous <= BACKWARD
        self.hooks_ns += self.now() - now

    def leave_forward(self, is_loss: bool) -> None:
        """Close a call of a root module; `is_loss` says that the module computed the loss."""
        now = self.now()
        self._totals[LOSS if is_loss else FORWARD] += now - self._mark_ns
        if not is_loss and self._held_ns:
            self._settle(self._base)
        self._mark_ns = now
        self.current = GAP
        self.busy = False
        self.hooks_ns += self.now() - now

    def enter_optimizer(self, hook_began_ns: int) -> None:
        """The optimizer's update begins; forward and backward calls of a closure still count as such."""
        self.hooks_ns += self._rebase(OPTIMIZER) - hook_began_ns

    def leave_optimizer(self) -> Cut:
        """The optimizer's update is done, which may bound a step."""
        return Cut(self._rebase(OTHER), tuple(self._totals))

    def cut(self) -> Cut:
        """Close the running piece: a boundary between two steps."""
        return Cut(self._close(), tuple(self._totals))

    def last_switch(self) -> Cut:
        """The moment at which the current phase began; changes nothing, so any thread may ask."""
        return Cut(self._mark_ns, tuple(self._totals))

    def backward_elsewhere(self, began_ns: int) -> None:
        """Another thread has made a backward pass, which ends now; so long the training thread has waited for it."""
        self._elsewhere.append((began_ns, self.now()))

    def book(self) -> None:
        """The hook that left the optimizer is done: what has passed since is its cost."""
        self.hooks_ns += self.now() - self._mark_ns

    def skip(self) -> int:
        """Leave out what has passed since the last switch: it was spent by us. Returns the time."""
        self._mark_ns = now = self.now()
        return now

    def _rebase(self, base: int) -> int:
        now = self._close()
        self._base = base
        if not self.busy:
            self.current = base
        return now

    def _close(self) -> int:
        now = self.now()
        if self.current == GAP:
            self._hold(now)
            self.current = self._base
        else:
            self._totals[self.current] += now - self._mark_ns
        if self._held_ns:
            self._settle(self._base)
        self._mark_ns = now
        return now

    def _hold(self, now: int) -> None:
        """Take the time since the last switch into what is held back."""
        while self._elsewhere:
            began_ns, ended_ns = self._elsewhere.popleft()
            if self._mark_ns <= began_ns and ended_ns <= now:
                self._held_ns += began_ns - self._mark_ns
                self._settle(LOSS)
                self._totals[BACKWARD] += ended_ns - began_ns
                self._mark_ns = ended_ns
        self._held_ns += now - self._mark_ns

    def _settle(self, phase: int) -> None:
        self._totals[phase] += self._held_ns
        self._held_ns = 0
