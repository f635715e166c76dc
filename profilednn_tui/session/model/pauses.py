"""Steps -> the pace of plain steps, in blocks, and the pauses between and inside epochs, of the whole run; bounded."""

from __future__ import annotations

from bisect import bisect_left
from collections import deque
from dataclasses import dataclass
from statistics import median
from typing import TypeVar

from profilednn_tui.protocol.events import StepsEvent

MOST_BLOCKS = 64
MOST_PAUSES = 4_096
RECENT_STEPS = 2_000
"""An epoch is told to have begun within so many steps."""
PAUSE_RATIO = 3.0
"""A step that takes this many times as long as usual has had a pause: a validation, a checkpoint."""
NEWEST_STEPS = 15
"""Their median is what is usual; it is taken anew every `MEDIAN_STEPS`."""
MEDIAN_STEPS = 4
WARM_UP_STEPS = 3
"""At the beginning of a recording; they tell nothing about later steps."""
WATCHED = StepsEvent.PROFILED | StepsEvent.DISTURBED


_Value = TypeVar("_Value")


@dataclass(slots=True)
class Block:
    """Consecutive plain steps."""

    steps: int
    sum_ns: int
    last_step: int

    @property
    def pace_ns(self) -> float:
        """The mean duration of a step."""
        return self.sum_ns / self.steps


@dataclass(frozen=True, slots=True)
class _Recent:
    """A step, and what was usual then."""

    duration_ns: int
    usual_ns: float
    plain: bool
    """Whether it is in a block."""


class PauseSeries:
    """The durations of all steps of one process: plain steps, pauses, borders of epochs and the agent's own work."""

    def __init__(self) -> None:
        self.blocks: list[Block] = []
        """Of equal numbers of steps, but for the last one."""
        self.inside: dict[int, float] = {}
        """What a step took beyond the usual, where that was much, in nanoseconds, by the step."""
        self.borders: dict[int, float] = {}
        """The same for the first steps of epochs, whatever they took: what lies between two epochs belongs to them."""
        self.begin_unix_ns = 0
        """The end of the first step."""
        self.end_unix_ns = 0
        """The end of the newest step."""
        self.own_ns = 0
        """The agent's work between steps."""
        self.count = 0
        self._first = 0
        self._size = 1
        self._recent: dict[int, _Recent] = {}
        self._newest: deque[int] = deque(maxlen=NEWEST_STEPS)
        self._usual_ns = 0.0

    def add(self, event: StepsEvent) -> None:
        """Add finished steps."""
        for number, row in enumerate(event.rows, start=event.first):
            self._add(number, int(row[0]), int(row[1]), int(row[-1]))

    def _add(self, number: int, end_unix_ns: int, duration_ns: int, flags: int) -> None:
        if not self.count:
            self._first, self.begin_unix_ns = number, end_unix_ns
        elif number == self.count + 1:
            self.own_ns += max(0, end_unix_ns - self.end_unix_ns - duration_ns)
        self.count, self.end_unix_ns = number, end_unix_ns
        if number < self._first + WARM_UP_STEPS or flags & StepsEvent.WARM_UP:
            return
        watched = bool(flags & WATCHED)
        usual_ns = self._usual_ns or duration_ns
        if not watched:
            self._newest.append(duration_ns)
            if number % MEDIAN_STEPS == 0 or len(self._newest) < NEWEST_STEPS:
                self._usual_ns = median(self._newest)
        paused = duration_ns > PAUSE_RATIO * usual_ns
        if paused and not watched:  # else it may be due to an operator window
            _keep(self.inside, number, duration_ns - usual_ns, MOST_PAUSES)
        elif not watched:
            self._put(number, duration_ns)
        _keep(self._recent, number, _Recent(duration_ns, usual_ns, not paused and not watched), RECENT_STEPS)

    def begin_epoch(self, step: int) -> None:
        """A recent step is the first of an epoch, or one beside it that had a pause."""
        number = next((near for near in (step, step - 1, step + 1) if near in self.inside), step)
        recent = self._recent.pop(number, None)
        if recent is None:
            return
        self.inside.pop(number, None)
        if recent.plain:
            self._take(number, recent.duration_ns)
        _keep(self.borders, number, max(0.0, recent.duration_ns - recent.usual_ns), MOST_PAUSES)

    def _put(self, number: int, duration_ns: int) -> None:
        blocks = self.blocks
        if not blocks or blocks[-1].steps >= self._size:
            if len(blocks) == MOST_BLOCKS:
                self._merge()
            blocks.append(Block(0, 0, number))
        newest = blocks[-1]
        newest.steps += 1
        newest.sum_ns += duration_ns
        newest.last_step = number

    def _take(self, number: int, duration_ns: int) -> None:
        """Take a step out of its block again."""
        place = bisect_left(self.blocks, number, key=lambda block: block.last_step)
        if place < len(self.blocks) and self.blocks[place].steps > 1:
            self.blocks[place].steps -= 1
            self.blocks[place].sum_ns -= duration_ns
        elif place < len(self.blocks):
            del self.blocks[place]

    def _merge(self) -> None:
        """Make one block of every two."""
        pairs = zip(self.blocks[::2], self.blocks[1::2], strict=True)
        self.blocks[:] = [
            Block(one.steps + other.steps, one.sum_ns + other.sum_ns, other.last_step) for one, other in pairs
        ]
        self._size *= 2


def _keep(kept: dict[int, _Value], step: int, value: _Value, most: int) -> None:
    kept[step] = value
    if len(kept) > most:
        del kept[next(iter(kept))]
