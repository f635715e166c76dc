"""The pace of training around its windows, and whether it still holds: if not, they represent other steps.

Only plain steps count, those without a flag. A few of them before and after a window give the pace it was taken at.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from profilednn_tui.session.model.steps import StepSeries
from profilednn_tui.session.view import PaceChange

SAMPLE = 21
"""Plain steps from which a pace is taken, at most."""
FEWEST = 5
REACH = 3 * SAMPLE
"""Steps on either side of a window that are searched for them."""
NOTABLE_RATIO = 1.2
"""Of two medians; a window stays valid through smaller changes."""


@dataclass(frozen=True, slots=True)
class Pace:
    """The duration of a step: median and quartiles, in nanoseconds."""

    low_ns: int
    median_ns: int
    high_ns: int

    @classmethod
    def of(cls, durations_ns: Sequence[int]) -> Pace:
        ordered = sorted(durations_ns)
        last = len(ordered) - 1
        return cls(ordered[last // 4], ordered[(last + 1) // 2], ordered[last - last // 4])

    def is_like(self, other: Pace) -> bool:
        """Whether the quartile ranges overlap, or the medians differ by at most `NOTABLE_RATIO`."""
        apart = self.low_ns > other.high_ns or other.low_ns > self.high_ns
        longer, shorter = max(self.median_ns, other.median_ns), min(self.median_ns, other.median_ns)
        return not apart or longer <= shorter * NOTABLE_RATIO


Around = tuple[Pace, ...]
"""The pace before a step and the one after it; a side with too few plain steps is left out."""


class Paces:
    """The paces around the profiled steps of one process."""

    def __init__(self, steps: StepSeries) -> None:
        self._steps = steps
        self._known: dict[int, Around] = {}
        self._open: set[int] = set()
        """Profiled steps whose later neighbours are still missing."""

    def add(self, step: int) -> None:
        """A step was profiled."""
        self._open.add(step)

    def settle(self) -> None:
        """More steps have arrived: take the paces now, as steps are not kept for ever."""
        done = {step for step in self._open if step + REACH <= self._steps.count}
        self._known.update({step: self._look_around(step) for step in done})
        self._open -= done

    def forget_before(self, step: int) -> None:
        """Drop the paces of windows that are no longer kept."""
        self._known = {known: around for known, around in self._known.items() if known >= step}

    def now(self) -> Pace | None:
        """The pace of the newest steps; None if there are too few plain ones."""
        newest = [duration_ns for _, duration_ns in self._steps.newest_plain(self._steps.count - REACH)][:SAMPLE]
        return Pace.of(newest) if len(newest) >= FEWEST else None

    def around(self, step: int) -> Around:
        """The paces on both sides of a profiled step."""
        return self._known[step] if step in self._known else self._look_around(step)

    def _look_around(self, step: int) -> Around:
        before: list[int] = []
        after: list[int] = []
        for number, duration_ns in self._steps.newest_plain(step - REACH):
            if number < step and len(before) < SAMPLE:
                before.append(duration_ns)
            elif step < number <= step + REACH:
                after.append(duration_ns)
        sides = before, after[-SAMPLE:]
        return tuple(Pace.of(side) for side in sides if len(side) >= FEWEST)


def same_pace(one: Iterable[Pace], other: Iterable[Pace]) -> bool:
    """Whether all paces are alike; an empty side counts as alike."""
    other = tuple(other)
    return all(first.is_like(second) for first in one for second in other)


def change(around: Iterable[Around], now: Pace) -> PaceChange | None:
    """The change from the pace around some windows to the current one, to two significant figures; None if there is
    none."""
    paces = [pace for sides in around for pace in sides]
    if not paces or same_pace(paces, (now,)):
        return None
    apart = [pace.median_ns for pace in paces if not pace.is_like(now)]
    return PaceChange(_rounded(sorted(apart)[len(apart) // 2]), _rounded(now.median_ns))


def _rounded(duration_ns: int) -> float:
    return float(f"{duration_ns:.1e}")
