"""The pace of the training around its windows, and whether it is still the same: if not, they stand for other steps.

Only plain steps count, those without a flag. A few steps before and after a window tell the pace it was taken at.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from profilednn_tui.session.model.steps import StepSeries
from profilednn_tui.session.view import PaceChange

SAMPLE = 21
"""Plain steps that tell a pace, at most."""
FEWEST = 5
REACH = 3 * SAMPLE
"""Steps to either side of a window among which they are looked for."""
NOTABLE_RATIO = 1.2
"""Of two medians; smaller changes leave a window standing."""


@dataclass(frozen=True, slots=True)
class Pace:
    """What a step takes: median and quartiles, in nanoseconds."""

    low_ns: int
    median_ns: int
    high_ns: int

    @classmethod
    def of(cls, durations_ns: Sequence[int]) -> Pace:
        ordered = sorted(durations_ns)
        last = len(ordered) - 1
        return cls(ordered[last // 4], ordered[(last + 1) // 2], ordered[last - last // 4])

    def is_like(self, other: Pace) -> bool:
        """Whether the two differ by no more than their spread, or by little."""
        apart = self.low_ns > other.high_ns or other.low_ns > self.high_ns
        longer, shorter = max(self.median_ns, other.median_ns), min(self.median_ns, other.median_ns)
        return not apart or longer <= shorter * NOTABLE_RATIO


Around = tuple[Pace, ...]
"""The pace before a step and the one after it, as far as there are enough plain steps."""


class Paces:
    """The paces around the profiled steps of one process."""

    def __init__(self, steps: StepSeries) -> None:
        self._steps = steps
        self._known: dict[int, Around] = {}
        self._open: set[int] = set()
        """Profiled steps whose later neighbours are still to come."""

    def add(self, step: int) -> None:
        """A step was profiled."""
        self._open.add(step)

    def settle(self) -> None:
        """More steps have come: look at the neighbours now, as they are not kept for ever."""
        done = {step for step in self._open if step + REACH <= self._steps.count}
        self._known.update({step: self._look_around(step) for step in done})
        self._open -= done

    def forget_before(self, step: int) -> None:
        """Keep nothing of windows that are gone."""
        self._known = {known: around for known, around in self._known.items() if known >= step}

    def now(self) -> Pace | None:
        """The pace of the newest steps."""
        newest = [duration_ns for _, duration_ns in self._steps.newest_plain(self._steps.count - REACH)][:SAMPLE]
        return Pace.of(newest) if len(newest) >= FEWEST else None

    def around(self, step: int) -> Around:
        """The pace on both sides of a profiled step."""
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
    """Whether all are alike; what has no pace is taken for alike."""
    other = tuple(other)
    return all(first.is_like(second) for first in one for second in other)


def change(around: Iterable[Around], now: Pace) -> PaceChange | None:
    """From the pace around some windows to the present one, where that is another; to two significant figures."""
    paces = [pace for sides in around for pace in sides]
    if not paces or same_pace(paces, (now,)):
        return None
    apart = [pace.median_ns for pace in paces if not pace.is_like(now)]
    return PaceChange(_rounded(sorted(apart)[len(apart) // 2]), _rounded(now.median_ns))


def _rounded(duration_ns: int) -> float:
    return float(f"{duration_ns:.1e}")
