"""What each step of this rank has to do with the others: when it entered collectives, and how long it waited in them.

The times are those of the machine's monotonic clock. A wait is told with the collective that it was for, numbered
alike on all ranks, so that a reader of several recordings knows who came last.

On the training thread, with caches full of other data, every operation costs a microsecond: it only notes what it sees,
and the agent's thread puts that together.
"""

from __future__ import annotations

import os
from _thread import get_native_id
from collections import deque
from time import thread_time_ns
from typing import Any, Callable

from ...protocol.events import CommunicationEvent
from ..isolation.guard import Guard
from ..steps.timeline import Timeline
from .groups import Groups
from .waiting import AfterBackward, Waiting

MOST_WAITS, FEWEST_WAITS, WAITS_PER_S = 64, 8, 500
"""Told one by one: so many of a step at most, and, down to the fewest, so many of a second. A program may reduce each
of its parameters by hand, and a day's recording must stay small."""
FIRST_LOOKS, LOOKS = 16, 8
"""Groups are looked for at the end of each of the first steps, then of every so many."""
MOST_STEPS = 20_000
"""That wait for the agent's thread."""
ROWS_PER_EVENT = 200
IN_BACKWARD, IN_CALL = 0, 1
"""Where a wait was: at the end of a backward pass, or in a call of the program. Part of the collective's number: both
may be told when there were the same number of collectives."""

Told = tuple[int, int, int, int]
"""A wait: group, number of the collective, when the wait began and ended."""


class Collectives:
    """Everything runs on the training thread, except for `news` and `remove`."""

    def __init__(self, torch: Any, timeline: Timeline, guard: Guard, report: Callable[[Any], None]) -> None:
        self._timeline = timeline
        self._guard = guard
        self._groups = Groups(torch, report)
        self._after_backward = AfterBackward(torch, timeline)
        self._waiting = Waiting(torch, timeline, guard, self._wait)
        self._waits: deque[Told] = deque(maxlen=MOST_STEPS)
        self._count = 0
        """Waits of this step."""
        self._most_waits = MOST_WAITS
        """Of each step that may be told."""
        self._rest_ns = 0
        """Waits of this step beyond them."""
        self._finished: deque[tuple[int, int, int, int]] = deque(maxlen=MOST_STEPS)
        """Steps: number, when it ended, what the thread has used of the processor by then, and its waits that are not
        told."""
        self._step = self._looks = 0
        self._counts: dict[int, list[int]] = {}
        """Of each group in the newest look: step, number of the group, and how many collectives there were."""
        self._first_counts: deque[list[int]] = deque()
        """The same of groups that no event has told of, in the look that found them."""
        self._queueing: _Queueing | None = None
        """None as long as there is no process group."""
        self._used_ns = -1
        """What the thread had used of the processor at the end of the last step of which there is an event."""
        self._ended_ns = 0
        """When the last step ended of which there is an event."""
        self._removed = False

    def look(self) -> None:
        """Find new process groups; called at the end of a step."""
        self._looks += 1
        if self._removed or (self._looks > FIRST_LOOKS and self._looks % LOOKS):
            return
        self._guard.run(self._look)

    def _look(self) -> None:
        self._groups.look()
        if len(self._groups) and self._queueing is None:
            self._queueing = _Queueing()
            self._timeline.exchanged = self._ended
        if self._queueing is not None:
            self._waiting.install()
        counts = {number: [self._step, number, count] for number, count in self._groups.counts().items()}
        self._first_counts.extend(counts[number] for number in sorted(counts.keys() - self._counts.keys()))
        self._counts = counts

    def end_step(self, number: int, ended_ns: int) -> None:
        """A step has ended, at a time that may have passed."""
        if self._queueing is not None:
            self._finished.append((number, ended_ns, thread_time_ns(), self._rest_ns))
            self._count = self._rest_ns = 0
        self._step = number

    def before_backward(self, tensors: Any) -> None:
        """A backward pass is about to begin."""
        if self._queueing is not None and not self._removed:
            self._timeline.computed.clear()
            self._guard.run(self._after_backward.watch, tensors)

    def after_update(self, optimizer: Any) -> None:
        """An optimizer has updated its parameters."""
        if self._queueing is not None and not self._removed:
            self._guard.run(self._after_backward.keep_watching, optimizer)

    def remove(self) -> None:
        """Remove everything from torch and record nothing more; on any thread, at any time."""
        self._removed = True
        self._waiting.remove()
        self._after_backward.remove()

    def _wait(self, began_ns: int, ended_ns: int) -> None:
        """The training thread has waited in a call of the program."""
        self._timeline.waited(began_ns, ended_ns)
        self._tell(IN_CALL, began_ns, ended_ns)

    def _ended(self, began_ns: int, ended_ns: int) -> bool | None:
        """A backward pass has ended: whether it waited; nothing is exchanged without DDP, and within `no_sync`."""
        return self._guard.run(self._tell, IN_BACKWARD, began_ns, ended_ns)

    def _tell(self, where: int, began_ns: int, ended_ns: int) -> bool:
        newest = self._groups.newest()
        if newest is not None and not newest[2] and where == IN_BACKWARD:
            return False
        index, self._count = self._count, self._count + 1
        if newest is None:  # by the step, which all ranks count alike that were launched together
            newest = 0, (self._step + 1) * 2**16 + index, True
        if index < self._most_waits:
            self._waits.append((newest[0], 2 * newest[1] + where, began_ns, ended_ns))
        else:
            self._rest_ns += ended_ns - began_ns
        return True

    # ---- the agent's thread

    def news(self) -> list[CommunicationEvent]:
        """What has been recorded since the last call."""
        finished, waits = self._finished, self._waits
        steps = [finished.popleft() for _ in range(len(finished))]
        if not steps or self._queueing is None:
            return []
        delay_ns = self._queueing.since_last(len(steps))
        took_s = (steps[-1][1] - self._ended_ns) / 1e9 / len(steps)
        self._ended_ns = steps[-1][1]
        self._most_waits = max(FEWEST_WAITS, min(MOST_WAITS, int(WAITS_PER_S * took_s)))
        events: list[CommunicationEvent] = []
        event: CommunicationEvent | None = None
        for number, ended_ns, used_ns, rest_ns in steps:
            if event is None or len(event.times) == ROWS_PER_EVENT or number != event.first + len(event.times):
                event = CommunicationEvent(number, [], [])
                events.append(event)
            before_ns, self._used_ns = self._used_ns, used_ns
            cpu_ns = used_ns - before_ns if before_ns >= 0 else -1
            event.times.append([cpu_ns if cpu_ns >= 0 else -1, delay_ns, rest_ns])  # less: it is another thread now
            while waits and waits[0][-1] <= ended_ns:
                event.waits.append([number, *waits.popleft()])
        first = [self._first_counts.popleft() for _ in range(len(self._first_counts))]
        events[-1].collectives.extend([*first, *self._counts.values()])
        return events


class _Queueing:
    """For how long the calling thread is ready to run and has no core, as Linux counts it; -1 where it does not."""

    def __init__(self) -> None:
        self._path = f"/proc/self/task/{get_native_id()}/schedstat"
        self._before = self._now_ns()

    def since_last(self, steps: int) -> int:
        """Shared by the steps since the last call; on any thread."""
        before, self._before = self._before, self._now_ns()
        return -1 if before is None or self._before is None else (self._before - before) // steps

    def _now_ns(self) -> int | None:
        try:
            # Opened each time: the program may close every descriptor.
            descriptor = os.open(self._path, os.O_RDONLY | os.O_CLOEXEC)
            try:
                return int(os.read(descriptor, 64).split()[1])
            finally:
                os.close(descriptor)
        except (OSError, ValueError, IndexError):
            return None
