"""How long all steps of a process took, in bounded form: a histogram, the slowest steps, and slots of time."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from math import log2, pow
from types import MappingProxyType

BINS_PER_OCTAVE = 256
"""The bins of the histogram are equally wide on a logarithmic scale: 0.27 %."""
SLOT_BINS_PER_OCTAVE = 16
"""The same for slots of time: 4.4 %."""
_LONGEST_NS = 1 << 63


def bin_of(duration_ns: int, per_octave: int = BINS_PER_OCTAVE) -> int:
    """The bin of a duration."""
    if not 0 < duration_ns < _LONGEST_NS:
        duration_ns = 1 if duration_ns <= 0 else _LONGEST_NS
    return int(per_octave * log2(duration_ns))


def edge_ns(number: int, per_octave: int = BINS_PER_OCTAVE) -> float:
    """Where a bin begins."""
    return pow(2.0, number / per_octave)


@dataclass(frozen=True, slots=True, order=True)
class SlowStep:
    """One of the slowest steps."""

    duration_ns: int
    number: int
    phases_ns: tuple[int, ...]
    """In the order of `PHASES`."""
    flags: int
    end_unix_ns: int


@dataclass(frozen=True, slots=True)
class StepSlot:
    """The steps that ended in a stretch of time, profiled ones among them."""

    begin_unix_ns: int
    first: int
    """Number of its first step."""
    last: int
    counts: Mapping[int, int]
    """How many steps are in each bin, with `SLOT_BINS_PER_OCTAVE`."""
    profiled: bool = False
    """Whether torch.profiler was on in one of them."""
    losses: int = 0
    """How many of them have a loss that is a number."""
    loss_sum: float = 0.0
    diverged: bool = False
    """Whether one of them has a loss that is infinite or not a number."""

    @property
    def loss(self) -> float | None:
        """The mean of those that are numbers."""
        mean = self.loss_sum / self.losses if self.losses else None
        return mean if mean is not None and mean - mean == 0.0 else None


@dataclass(frozen=True, slots=True)
class StepTimes:
    """The durations of all steps so far."""

    plain: int = 0
    """Steps without flags: those of `counts`."""
    left_out: int = 0
    """Steps that are slower because of an operator window in them or right before them."""
    counts: Mapping[int, int] = field(default_factory=lambda: MappingProxyType({}))
    """How many of the plain steps are in each bin that has some, in ascending order."""
    slowest: tuple[SlowStep, ...] = ()
    """The slowest first; those that are left out are not among them."""
    slots: tuple[StepSlot, ...] = ()
    """The newest stretches of time that have steps, oldest first; `model.step_times.SLOT_NS` long."""

    def quantile_ns(self, fraction: float) -> float | None:
        """The duration below which this part of the plain steps is, with the precision of a bin."""
        wanted, below = fraction * self.plain, 0
        for number, count in self.counts.items():
            if below + count >= wanted:
                low, high = edge_ns(number), edge_ns(number + 1)
                return low + (high - low) * (wanted - below) / count
            below += count
        return None

    def beyond(self, limit_ns: float) -> tuple[int, float]:
        """How many plain steps took longer, and their part of the time of all."""
        slow, slow_ns, all_ns = 0, 0.0, 0.0
        for number, count in self.counts.items():
            middle_ns = (edge_ns(number) + edge_ns(number + 1)) / 2
            all_ns += count * middle_ns
            if middle_ns > limit_ns:
                slow += count
                slow_ns += count * middle_ns
        return slow, slow_ns / (all_ns or 1.0)
