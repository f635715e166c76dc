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
from typing import Any, Callable

from ...protocol.events import CommunicationEvent
from ..isolation.guard import Guard
from ..steps.timeline import Timeline
from .groups import Group, Groups
from .waiting import AfterBackward, EveryBackward, Waiting

MOST_WAITS, FEWEST_WAITS, WAITS_PER_S = 64, 8, 500
"""Told one by one: so many of a step at most, and, down to the fewest, so many of a second. A program may reduce each
of its parameters by hand, and a day's recording must stay small."""
LEARNING_STEPS = 8
"""After so many steps with collectives it is known whether hooks before them are needed, which take the interpreter
lock on the training thread and cost 20 us each."""
SYNCHRONOUS_NS = 500_000
"""A collective that was entered earlier than that before the wait for it is asynchronous."""
HOOK_NS = 6_000
"""What a hook costs that could be timed in place: `benchmarks/collectives.py` finds twice that, as for other hooks."""
FIRST_LOOKS, LOOKS = 16, 8
"""Groups are looked for at the end of each of the first steps, then of every so many."""
MOST_STEPS = 20_000
"""That wait for the agent's thread."""
ROWS_PER_EVENT = 200

Told = list[int]
"""A wait: group, number of the collective, when it was entered, when the wait began, and when it ended or 0."""


class Collectives:
    """Everything runs on the training thread, except for `news` and `stop`."""

    def __init__(self, torch: Any, timeline: Timeline, guard: Guard, report: Callable[[Any], None]) -> None:
        self._torch = torch
        self._timeline = timeline
        self._guard = guard
        self._entered: deque[tuple[int, int, int]] = deque(maxlen=4 * MOST_WAITS)
        """Collectives that this rank has not waited for yet: group, number, and when it has entered them."""
        self._after_backward = AfterBackward(torch, timeline, guard, self._computed)
        self._groups = Groups(torch, timeline, guard, self._entered, self._after_backward, report)
        self._waiting = Waiting(torch, timeline, guard, self._wait)
        self._every_backward = EveryBackward(torch, self._after_backward)
        self._waits: deque[Told] = deque(maxlen=MOST_STEPS)
        self._left = self._most_waits = MOST_WAITS
        """How many waits of this step may still be told, and of each step."""
        self._rest_ns = 0
        """Waits of this step beyond them."""
        self._finished: deque[tuple[int, int, int]] = deque(maxlen=MOST_STEPS)
        """Steps: number, when it ended, and its waits that are not told."""
        self._step = self._looks = 0
        self._learned = 0
        """Steps with waits while there are hooks before collectives."""
        self._used: set[int] = set()
        """Groups whose collectives were waited for."""
        self._counting: Group | None = None
        """The group whose collectives are counted instead of hooked."""
        self._newest_told = 0
        """Number of the collective that was waited for last."""
        self._asynchronous = self._reduces = False
        """Whether the program has waited for a collective that it had begun before; whether DDP has."""
        self._use: _ThreadUse | None = None
        self._ended_ns = 0
        """When the last step ended of which there is an event."""
        self._stopped = False

    def look(self) -> None:
        """Find new process groups; called at the end of a step."""
        self._looks += 1
        if self._stopped or (self._looks > FIRST_LOOKS and self._looks % LOOKS):
            return
        self._guard.run(self._look)

    def _look(self) -> None:
        self._groups.look()
        if len(self._groups) and self._use is None:
            self._use = _ThreadUse()
            self._waiting.install()
        if self._learned >= LEARNING_STEPS and len(self._used) == 1 and not self._asynchronous and self._groups.counted:
            # Each wait begins when its collective is entered, or DDP's last one: the waits tell it all.
            self._groups.unhook()
            self._counting = self._groups.of_number.get(next(iter(self._used)))
            self._learned = 0

    def end_step(self, number: int, ended_ns: int) -> None:
        """A step has ended, at a time that may have passed."""
        if self._use is not None:
            self._finished.append((number, ended_ns, self._rest_ns))
            self._learned += self._left < self._most_waits and self._groups.hooked
            self._step, self._left, self._rest_ns = number, self._most_waits, 0

    def before_backward(self, tensors: Any) -> None:
        """A backward pass is about to begin: where nothing tells of collectives, DDP's may still be waited for."""
        if self._use is None:
            return
        self._after_backward.queued, self._timeline.waiting = False, None
        wanted = not self._groups.hooked and (self._reduces or not self._groups.can_be_hooked) and not self._stopped
        if wanted and not self._every_backward.works:
            self._guard.run(self._every_backward.watch_one, tensors)

    def after_update(self, optimizer: Any) -> None:
        """An optimizer has updated its parameters."""
        if self._reduces and not self._groups.hooked and not self._stopped:
            self._guard.run(self._every_backward.keep_watching, optimizer)

    def stop(self) -> None:
        """Record nothing more; on any thread, at any time. The hooks stay, and do nothing."""
        self._stopped = True
        self._after_backward.queued = True
        self._every_backward.remove()
        self._waiting.remove()

    def remove(self) -> None:
        """Remove everything from torch, between two collectives."""
        self.stop()
        self._groups.remove()

    # ---- called by what is watched

    def _wait(self, began_ns: int, ended_ns: int) -> None:
        """The training thread has waited for the oldest collective that it had not waited for."""
        entered = self._entered
        if entered:
            self._timeline.hooks_ns += HOOK_NS
            group, number, at_ns = entered.popleft()
            if at_ns >= began_ns:  # it was entered within the call
                entered.clear()
                began_ns = at_ns
            self._asynchronous |= began_ns - at_ns > SYNCHRONOUS_NS
            self._used.add(group)
        elif self._groups.hooked:
            group, number, at_ns = -1, 0, began_ns  # it is for another rank alone
        else:
            group, number, at_ns = *self._newest(), began_ns
        self._timeline.waited(began_ns, ended_ns)
        self._tell([group, number, at_ns, began_ns, ended_ns])

    def _computed(self, now_ns: int) -> None:
        """The backward pass has computed everything: DDP waits for its collectives until the pass ends, unless the
        program has waited for them itself."""
        entered = self._entered
        if entered:
            self._timeline.hooks_ns += HOOK_NS * len(entered)
            group, number, at_ns = entered[-1]
            entered.clear()
            self._used.add(group)
            self._reduces = True
        elif self._groups.hooked or self._stopped:
            return
        else:
            group, number, at_ns = *self._newest(), now_ns
            if number == self._newest_told:
                return  # nothing was exchanged, as within `no_sync`
        self._timeline.waiting = wait = [group, number, at_ns, now_ns, 0]
        self._tell(wait)

    def _newest(self) -> tuple[int, int]:
        """Group and number of the newest collective, where there are no hooks before them."""
        group = self._counting
        count = group.count() if group is not None else None
        if count is None:
            count = (self._step + 1) * MOST_WAITS + MOST_WAITS - self._left
        return (group.number if group is not None else 0), count

    def _tell(self, wait: Told) -> None:
        self._newest_told = wait[1]
        if self._left:
            self._left -= 1
            self._waits.append(wait)
        else:
            self._rest_ns += wait[-1] - wait[-2]

    # ---- the agent's thread

    def news(self) -> list[CommunicationEvent]:
        """What has been recorded since the last call."""
        finished, waits = self._finished, self._waits
        steps = [finished.popleft() for _ in range(len(finished))]
        if not steps or self._use is None:
            return []
        cpu_ns, delay_ns = self._use.since_last(len(steps))
        took_s = (steps[-1][1] - self._ended_ns) / 1e9 / len(steps)
        self._ended_ns = steps[-1][1]
        self._most_waits = max(FEWEST_WAITS, min(MOST_WAITS, int(WAITS_PER_S * took_s)))
        events: list[CommunicationEvent] = []
        event: CommunicationEvent | None = None
        for number, ended_ns, rest_ns in steps:
            if event is None or len(event.times) == ROWS_PER_EVENT or number != event.first + len(event.times):
                event = CommunicationEvent(number, [], [])
                events.append(event)
            event.times.append([cpu_ns, delay_ns, rest_ns])
            while waits and waits[0][-2] < ended_ns:
                wait = waits.popleft()
                event.waits.append([number, *wait[:-1], wait[-1] or wait[-2]])
        return events


class _ThreadUse:
    """What the calling thread uses of the processor, and for how long it is ready to run and has no core, as Linux
    counts it; -1 where it does not."""

    def __init__(self) -> None:
        self._path = f"/proc/self/task/{get_native_id()}/schedstat"
        self._before = self._now_ns()

    def since_last(self, steps: int) -> tuple[int, int]:
        """Both, shared by the steps since the last call; on any thread."""
        before, self._before = self._before, self._now_ns()
        if before is None or self._before is None:
            return -1, -1
        return (self._before[0] - before[0]) // steps, (self._before[1] - before[1]) // steps

    def _now_ns(self) -> tuple[int, int] | None:
        try:
            # Opened each time: the program may close every descriptor.
            descriptor = os.open(self._path, os.O_RDONLY | os.O_CLOEXEC)
            try:
                cpu, delay = os.read(descriptor, 64).split()[:2]
                return int(cpu), int(delay)
            finally:
                os.close(descriptor)
        except (OSError, ValueError):
            return None
