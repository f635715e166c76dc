"""What each step of this rank has to do with the others: when it entered collectives, and how long it waited in them.

The times are those of the machine's monotonic clock. A wait is told with the collective that it was for, numbered
alike on all ranks, so that a reader of several recordings knows who came last.
"""

from __future__ import annotations

import os
from _thread import get_ident, get_native_id
from collections import deque
from time import thread_time_ns
from typing import Any, Callable, NamedTuple

from ...protocol.events import CommunicationEvent
from ..isolation.guard import Guard
from ..steps.timeline import Timeline
from .groups import Group, Groups
from .waiting import AfterBackward, Waiting

MOST_WAITS, FEWEST_WAITS, WAITS_PER_S = 64, 8, 500
"""Told one by one: so many of a step at most, and, down to the fewest, so many of a second. A program may reduce each
of its parameters by hand, and a day's recording must stay small."""
SHORTEST_NS = 20_000
"""Callbacks of autograd that take less have not waited."""
UNHOOKED = 0
"""The group that waits are told of where torch does not tell of collectives: the first, which all ranks are in."""
MOST_STEPS = 20_000
"""That wait for the agent's thread."""
ROWS_PER_EVENT = 200


class _Entered(NamedTuple):
    """A collective that this rank has entered and not waited for yet."""

    group: int
    number: int
    at_ns: int


class _Step(NamedTuple):
    number: int
    times: list[int]
    waits: list[list[int]]


class Collectives:
    """Everything runs on the training thread, except for `news` and `stop`."""

    def __init__(self, torch: Any, timeline: Timeline, guard: Guard, report: Callable[[Any], None]) -> None:
        self._torch = torch
        self._timeline = timeline
        self._guard = guard
        self._groups = Groups(torch, self._enter, report)
        self._waiting = Waiting(torch, timeline, guard, self._wait)
        self._after_backward: AfterBackward | None = None
        self._entered: deque[_Entered] = deque(maxlen=MOST_WAITS * 4)
        self._waits: deque[list[int]] = deque()
        """Of the current step."""
        self._rest_ns = 0
        """Waits that are not told one by one."""
        self._most_waits = MOST_WAITS
        self._ended_ns = 0
        """When the last step ended."""
        self._finished: deque[_Step] = deque(maxlen=MOST_STEPS)
        self._cpu_ns = self._delay_ns = 0
        """Of the training thread at the end of the last step."""
        self._delays: _Delays | None = None
        self._stopped = False
        self._step = 0
        """The last one that has ended."""

    def look(self) -> None:
        """Find new process groups; called at the end of a step."""
        if not self._stopped:
            self._guard.run(self._look)

    def _look(self) -> None:
        self._groups.look()
        if len(self._groups) and self._after_backward is None:
            self._after_backward = AfterBackward(self._torch, self._timeline, self._guard, self._end_of_backward)
            self._waiting.install()
            self._delays = _Delays()
            self._cpu_ns, self._delay_ns = thread_time_ns(), self._delays.now_ns()

    def end_step(self, number: int, ended_ns: int) -> None:
        """A step has ended, at a time that may have passed."""
        if self._after_backward is not None and get_ident() == self._timeline.thread:
            self._guard.run(self._end_step, number, ended_ns)

    def _end_step(self, number: int, ended_ns: int) -> None:
        self._step = number
        waits = self._waits
        mine = [waits.popleft() for _ in range(sum(wait[-1] <= ended_ns for wait in waits))]
        cpu_ns = thread_time_ns()
        delay_ns = self._delays.now_ns() if self._delays is not None else 0
        times = [cpu_ns - self._cpu_ns, delay_ns - self._delay_ns, self._rest_ns]
        self._cpu_ns, self._delay_ns, self._rest_ns = cpu_ns, delay_ns, 0
        took_s = (ended_ns - self._ended_ns) / 1e9
        self._most_waits = max(FEWEST_WAITS, min(MOST_WAITS, int(WAITS_PER_S * took_s)))
        self._ended_ns = ended_ns
        self._finished.append(_Step(number, times, [[number, *wait] for wait in mine]))

    def news(self) -> list[CommunicationEvent]:
        """What has been recorded since the last call."""
        events = []
        while self._finished:
            first = self._finished[0].number
            times: list[list[int]] = []
            waits: list[list[int]] = []
            while self._finished and len(times) < ROWS_PER_EVENT and self._finished[0].number == first + len(times):
                step = self._finished.popleft()
                times.append(step.times)
                waits += step.waits
            events.append(CommunicationEvent(first, times, waits))
        return events

    def stop(self) -> None:
        """Record nothing more; on any thread, at any time. The hooks stay, and do nothing."""
        self._stopped = True
        self._waiting.remove()

    def remove(self) -> None:
        """Remove everything from torch, between two collectives."""
        self.stop()
        self._groups.remove()

    def before_backward(self, tensors: Any) -> None:
        """A backward pass is about to begin: where nothing tells of collectives, DDP's may still be waited for."""
        if self._after_backward is not None and not self._groups.hooked and not self._stopped:
            self._guard.run(self._expect_at_the_end, tensors)

    def _expect_at_the_end(self, tensors: Any) -> None:
        root = tensors[0] if isinstance(tensors, (list, tuple)) and len(tensors) == 1 else tensors
        node = root.grad_fn if type(root) is self._torch.Tensor else None
        if node is not None and self._after_backward is not None:
            expect = self._after_backward.expect
            node.register_prehook(lambda gradients: self._guard.run(expect))

    # ---- called by what is watched

    def _enter(self, group: Group) -> None:
        """This rank is about to enter a collective."""
        timeline = self._timeline
        if self._stopped or timeline.thread != get_ident():
            return
        now_ns = timeline.now()
        try:
            self._entered.append(_Entered(group.number, group.collectives, now_ns))
            if self._after_backward is not None:
                self._after_backward.expect()
        except Exception as error:  # noqa: BLE001 - the guard's error boundary, without the cost of a call
            self._guard.failed("enter", error)
        timeline.hooks_ns += timeline.now() - now_ns

    def _wait(self, began_ns: int, ended_ns: int) -> None:
        """The training thread has waited for the oldest collective that it had not waited for."""
        entered = self._entered
        if not self._groups.hooked:
            self._add(UNHOOKED, self._next_unhooked(), began_ns, began_ns, ended_ns)
            return
        if not entered:
            self._add(-1, 0, began_ns, began_ns, ended_ns)
            return
        oldest = entered.popleft()
        if oldest.at_ns >= began_ns:  # it was entered within the call
            entered.clear()
            began_ns = oldest.at_ns
        self._add(oldest.group, oldest.number, oldest.at_ns, began_ns, ended_ns)

    def _end_of_backward(self, began_ns: int, ended_ns: int) -> None:
        """DDP has waited for the collectives of a backward pass, unless the program waited for them itself."""
        if self._stopped:
            return
        if not self._groups.hooked and ended_ns - began_ns >= SHORTEST_NS:
            self._add(UNHOOKED, self._next_unhooked(), began_ns, began_ns, ended_ns)
        elif self._entered:
            newest = self._entered[-1]
            self._entered.clear()
            self._add(newest.group, newest.number, newest.at_ns, began_ns, ended_ns)

    def _next_unhooked(self) -> int:
        """Numbers waits by the step, so that ranks agree on them."""
        return (self._step + 1) * MOST_WAITS + len(self._waits)

    def _add(self, group: int, number: int, entered_ns: int, began_ns: int, ended_ns: int) -> None:
        self._timeline.waited(began_ns, ended_ns)
        if len(self._waits) < self._most_waits:
            self._waits.append([group, number, entered_ns, began_ns, ended_ns])
        else:
            self._rest_ns += ended_ns - began_ns


class _Delays:
    """For how long the training thread was ready to run and had no core, as Linux counts it; 0 where it does not."""

    def __init__(self) -> None:
        self._path = f"/proc/self/task/{get_native_id()}/schedstat"

    def now_ns(self) -> int:
        try:
            # Opened each time: the program may close every descriptor.
            descriptor = os.open(self._path, os.O_RDONLY | os.O_CLOEXEC)
            try:
                return int(os.read(descriptor, 64).split()[1])
            finally:
                os.close(descriptor)
        except (OSError, IndexError, ValueError):
            return 0
