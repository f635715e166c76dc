"""The training thread's wall time, divided among phases without gaps, and the hooks' share of it.

One phase is current at any time; a switch closes the running interval and opens the next, so the phases of a step add
up to its wall time by construction. The time between a forward pass and the next backward pass is the loss; that is
known only when the backward pass begins, so until then it is held back. A module call without gradients in between,
such as a teacher's, does not settle it.

The cost of a hook is measured in place: from the time noted when it begins (`now`) to `enter`, and from `leave` to its
end. Calibrating a hook in a loop would find a tenth of it: during training, the caches are full of other data.
"""

from __future__ import annotations

from collections import deque
from time import perf_counter_ns
from typing import Callable, NamedTuple

DATA, FORWARD, INFERENCE, BACKWARD, LOSS, OPTIMIZER, OTHER, COMMUNICATION, GAP = range(9)
_ROW_ORDER = (DATA, FORWARD, LOSS, BACKWARD, OPTIMIZER, COMMUNICATION, INFERENCE, OTHER)  # as in protocol.PHASES
_OURS = -1
"""The phase of time that was spent by us."""


class Cut(NamedTuple):
    """A moment between two steps."""

    now_ns: int
    totals_ns: tuple[int, ...]
    """Cumulative phase totals."""

    def phases_since(self, earlier: Cut) -> list[int]:
        """Nanoseconds of each phase between two cuts, in the order of `protocol.PHASES`."""
        return [self.totals_ns[phase] - earlier.totals_ns[phase] for phase in _ROW_ORDER]


class Timeline:
    """Phase totals in nanoseconds; `enter` and `leave` bracket a call on the training thread."""

    __slots__ = (
        "_base", "_elsewhere", "_held_ns", "_mark_ns", "_settled", "_totals", "_trace", "busy", "computed", "current",
        "exchanged", "hooks_ns", "now", "others_train", "steady",
        "thread",
    )  # fmt: skip

    def __init__(self, clock: Callable[[], int] = perf_counter_ns) -> None:
        self.now = clock
        """The clock."""
        self._totals: list[int] = [0] * 9
        self._base = OTHER
        self.current = OTHER
        """The current phase; `GAP` after a forward pass."""
        self._held_ns = 0
        self._mark_ns = clock()
        self._trace: list[list[int]] | None = None
        """During a window: end and phase of each interval."""
        self._settled = 0
        """Number of intervals whose phase is final: a step may have thousands."""
        self._elsewhere: deque[tuple[int, int]] = deque(maxlen=64)
        """Begin and end of backward passes that other threads have run for the training thread."""
        self.busy = False
        """Whether a data, module or backward call is in progress: nested calls belong to it."""
        self.hooks_ns = 0
        """The cost of the hooks so far."""
        self.thread: int | None = None
        """Python's identifier of the training thread; None before its first activity."""
        self.others_train = False
        """Whether another thread has trained for itself, and the training thread has gone on."""
        self.steady = True
        """Whether the last update was on the same thread as the one before."""
        self.computed: list[int] = []
        """When the current backward pass had computed everything, if that is noted: then it waits for other ranks."""
        self.exchanged: Callable[[int, int], bool | None] = lambda began_ns, ended_ns: False
        """Asked at the end of such a pass: whether it has waited for other ranks between these times."""

    @property
    def updating(self) -> bool:
        """Whether an optimizer's update, including its closure, is in progress."""
        return self._base == OPTIMIZER

    def enter(self, phase: int, hook_began_ns: int) -> int:
        """Make `phase` current; returns the argument for `leave`."""
        now = self.now()
        mark = self._mark_ns  # inside the hook, if it called `cut` or `skip`
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
            if self._trace is not None:
                self._trace.append([now, current])
        self._mark_ns = now
        self.current = phase
        self.busy = True
        return current

    def leave(self, previous: int) -> None:
        """Close a data or backward call, or a module call without gradients."""
        now = self.now()
        if self.computed:
            began = self.computed[-1]
            self.computed.clear()
            if self.current == BACKWARD and began >= self._mark_ns and self.exchanged(began, now):
                self.waited(began, now)
        self._totals[self.current] += now - self._mark_ns
        if self._trace is not None:
            self._trace.append([now, self.current])
        self._mark_ns = now
        self.current = previous
        self.busy = previous <= BACKWARD
        self.hooks_ns += self.now() - now

    def leave_forward(self, is_loss: bool) -> None:
        """Close a call of a root module; `is_loss` if the module computed the loss."""
        now = self.now()
        phase = LOSS if is_loss else FORWARD
        self._totals[phase] += now - self._mark_ns
        if self._trace is not None:
            self._trace.append([now, phase])
        if not is_loss and self._held_ns:
            self._settle(self._base)
        self._mark_ns = now
        self.current = GAP
        self.busy = False
        self.hooks_ns += self.now() - now

    def enter_optimizer(self, hook_began_ns: int) -> None:
        """The optimizer's update begins; forward and backward calls in a closure still count as such."""
        self.hooks_ns += self._rebase(OPTIMIZER) - hook_began_ns

    def leave_optimizer(self) -> Cut:
        """The optimizer's update ends, which may end a step."""
        return Cut(self._rebase(OTHER), tuple(self._totals))

    def cut(self) -> Cut:
        """Close the running interval at a boundary between two steps."""
        return Cut(self._close(), tuple(self._totals))

    def last_switch(self) -> Cut:
        """The moment at which the current phase began; changes nothing, so any thread may call it."""
        return Cut(self._mark_ns, tuple(self._totals))

    def backward_elsewhere(self, began_ns: int) -> None:
        """A backward pass on another thread, for which the training thread has waited, ends now."""
        self._elsewhere.append((began_ns, self.now()))

    def waited(self, began_ns: int, ended_ns: int) -> None:
        """The training thread has waited for other ranks; the time before and after belongs to the current phase."""
        mark = self._mark_ns
        began_ns = began_ns if began_ns > mark else mark
        if ended_ns <= began_ns:
            return
        if self.current == GAP:
            self._held_ns += began_ns - mark
        else:
            self._totals[self.current] += began_ns - mark
        self._totals[COMMUNICATION] += ended_ns - began_ns
        if self._trace is not None:
            self._trace += [[began_ns, self.current], [ended_ns, COMMUNICATION]]
        self._mark_ns = ended_ns

    def book(self) -> None:
        """The hook that left the optimizer ends: the time since then is its cost."""
        self.hooks_ns += self.now() - self._mark_ns

    def skip(self) -> int:
        """Exclude the time since the last switch, which was spent by us; returns the current time."""
        self._mark_ns = now = self.now()
        if self._trace is not None:
            self._trace.append([now, _OURS])
        return now

    def trace(self) -> None:
        """Note every interval from now on, until `traced`."""
        self._trace = [[self.now(), _OURS]]
        self._settled = 0

    def traced(self) -> tuple[list[int], list[int]]:
        """The ends of the intervals since `trace`, and the phase of each as its place in `protocol.PHASES`; -1 for
        time that was spent by us, as at the beginning."""
        trace, self._trace = self._trace or [], None
        places = {phase: place for place, phase in enumerate(_ROW_ORDER)}
        return [end_ns for end_ns, _ in trace], [places.get(phase, -1) for _, phase in trace]

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
            if self._trace is not None:
                self._trace.append([now, self.current])
        if self._held_ns:
            self._settle(self._base)
        self._mark_ns = now
        return now

    def _hold(self, now: int) -> None:
        """Hold back the time since the last switch."""
        while self._elsewhere:
            began_ns, ended_ns = self._elsewhere.popleft()
            if self._mark_ns <= began_ns and ended_ns <= now:
                self._held_ns += began_ns - self._mark_ns
                if self._trace is not None:
                    self._trace += [[began_ns, GAP], [ended_ns, BACKWARD]]
                self._settle(LOSS)
                self._totals[BACKWARD] += ended_ns - began_ns
                self._mark_ns = ended_ns
        self._held_ns += now - self._mark_ns
        if self._trace is not None:
            self._trace.append([now, GAP])

    def _settle(self, phase: int) -> None:
        if self._trace is not None:
            for interval in self._trace[self._settled :]:
                if interval[1] == GAP:
                    interval[1] = phase
            self._settled = len(self._trace)
        self._totals[phase] += self._held_ns
        self._held_ns = 0
