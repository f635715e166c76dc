"""How the rank of a process waited for others, step by step.

NumPy is imported on use, as by the tables of windows: most trainings have one process.
"""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

from profilednn_tui.protocol.events import CommunicationEvent, GroupEvent, HelloEvent
from profilednn_tui.protocol.vocabulary import PHASES
from profilednn_tui.session.model.steps import StepSeries
from profilednn_tui.session.model.windows import WindowSeries
from profilednn_tui.session.view import Exchange, Group, RankRecord

if TYPE_CHECKING:
    from profilednn_tui.session.view import Integers

KEPT_STEPS = 512
KEPT_WAITS = 16 * KEPT_STEPS
KEPT_GROUPS = 64
MOST_NUMBER = 2**62
"""Of steps, and of nanoseconds on any clock."""
_TIMES, _WAITS = 3, 5
"""Columns."""


class CommunicationSeries:
    """The newest waits of a process, and its process groups; bounded."""

    def __init__(self) -> None:
        self._groups: dict[int, Group] = {}
        self._times: dict[int, list[int]] = {}
        """By step."""
        self._waits: deque[list[int]] = deque(maxlen=KEPT_WAITS)
        self._counts: dict[int, tuple[list[int], list[int]]] = {}
        """By group, the first and the newest look: step, number of the group, and how many collectives there were."""
        self._record: RankRecord | None = None

    def add_group(self, event: GroupEvent) -> None:
        """Take note of a process group."""
        if len(self._groups) < KEPT_GROUPS:
            self._groups[event.number] = Group(
                event.number, event.name, tuple(event.ranks), event.backend, event.counted, event.host, event.clock,
                event.unix_ns - event.clock_ns if event.clock_ns else None,
            )  # fmt: skip
        self._record = None

    def add(self, event: CommunicationEvent) -> None:
        """Add some steps."""
        if not 0 <= event.first < MOST_NUMBER:
            raise ValueError("steps with a number that no training reaches")
        self._times.update(
            enumerate(event.times[-KEPT_STEPS:], start=max(event.first, event.first + len(event.times) - KEPT_STEPS))
        )
        while len(self._times) > KEPT_STEPS:
            del self._times[next(iter(self._times))]
        self._waits.extend(wait for wait in event.waits if 0 <= wait[-2] <= wait[-1] < MOST_NUMBER)
        for look in event.collectives:
            if look[1] in self._groups:
                self._counts[look[1]] = self._counts.get(look[1], (look, look))[0], look
        self._record = None

    def exchange(self) -> Exchange | None:
        """What the process has exchanged; None if it has joined no group."""
        if not self._groups:
            return None
        looks = [look for pair in self._counts.values() for look in pair]
        steps = max(look[0] for look in looks) - min(look[0] for look in looks) if looks else 0
        counted = steps > 0 and all(count >= 0 for _, _, count in looks)
        return Exchange(
            world_size=max(len(group.ranks) for group in self._groups.values()),
            backends=tuple(dict.fromkeys(group.backend for group in self._groups.values())),
            collectives=sum(last[2] - first[2] for first, last in self._counts.values()) if counted else None,
            steps=steps,
        )

    def record(
        self, key: int, hello: HelloEvent, threads: int, ended: bool, steps: StepSeries, windows: WindowSeries
    ) -> RankRecord | None:
        """The record of the newest steps; None if the process is no rank of any group."""
        rank = hello.rank
        if rank is None or not self._groups:
            return None
        known = self._record
        if known is None or (known.count, known.rank, known.ended) != (steps.count, rank, ended):
            self._record = known = self._build(key, rank, hello.pid, threads, ended, steps, windows)
        return known

    def _build(
        self, key: int, rank: int, pid: int, threads: int, ended: bool, steps: StepSeries, windows: WindowSeries
    ) -> RankRecord:
        newest = steps.newest(KEPT_STEPS, MOST_NUMBER)
        unknown = [-1] * _TIMES
        times = [self._times.get(number, unknown) for number in newest.numbers]
        first = newest.numbers[0] if newest.numbers else 0
        waits = [wait for wait in self._waits if wait[0] >= first]
        return RankRecord(
            key=key,
            rank=rank,
            pid=pid,
            intra_op_threads=threads,
            ended=ended,
            groups=tuple(self._groups.values()),
            count=steps.count,
            numbers=_array(newest.numbers),
            durations=_array(newest.durations_ns),
            phases=_array(newest.phases_ns, len(PHASES)),
            flags=_array(newest.flags),
            ends=_array(newest.end_unix_ns),
            times=_array(times, _TIMES),
            waits=_array(waits, _WAITS),
            operators=windows.view,
        )


def _array(rows: object, columns: int = 0) -> Integers:
    import numpy as np

    found: Integers = np.array(rows, dtype=np.int64)
    return found.reshape(-1, columns) if columns else found.reshape(-1)
