"""Steps -> a histogram of their durations, the slowest ones, and what ended in each slot of time; bounded."""

from __future__ import annotations

import heapq
from collections import deque
from dataclasses import dataclass, field
from math import isfinite
from types import MappingProxyType

from profilednn_tui.protocol.events import StepsEvent
from profilednn_tui.session.model.pauses import WATCHED
from profilednn_tui.session.step_times import (
    BINS_PER_OCTAVE,
    SLOT_BINS_PER_OCTAVE,
    SlowStep,
    StepSlot,
    StepTimes,
    bin_of,
)

KEPT_SLOWEST = 64
SLOT_NS = 250_000_000
KEPT_SLOTS = 1_024
"""Four minutes, as of cores and memory."""

_BINS_PER_SLOT_BIN = BINS_PER_OCTAVE // SLOT_BINS_PER_OCTAVE


@dataclass(slots=True)
class _OpenSlot:
    """A slot to which steps are still added; the fields are those of `StepSlot`."""

    begin_unix_ns: int
    first: int
    last: int
    counts: dict[int, int] = field(default_factory=dict)
    profiled: bool = False
    losses: int = 0
    loss_sum: float = 0.0
    diverged: bool = False

    def frozen(self) -> StepSlot:
        counts = MappingProxyType(dict(self.counts))
        return StepSlot(
            self.begin_unix_ns,
            self.first,
            self.last,
            counts,
            self.profiled,
            self.losses,
            self.loss_sum,
            self.diverged,
        )


class SlotSeries:
    """The newest slots of equal length that have steps; steps come in the order of time."""

    def __init__(self, slot_ns: int, kept: int) -> None:
        self._slot_ns = slot_ns
        self._closed: deque[StepSlot] = deque(maxlen=kept)
        self._open: _OpenSlot | None = None
        self._until_unix_ns = 0
        """The end of the open slot."""

    def add(self, number: int, end_unix_ns: int, slot_bin: int, flags: int, loss: float | None) -> None:
        """Add a step."""
        slot = self._at(end_unix_ns, number)
        slot.last = number
        slot.counts[slot_bin] = slot.counts.get(slot_bin, 0) + 1
        if flags & StepsEvent.PROFILED:
            slot.profiled = True
        if loss is None:
            return
        if isfinite(loss):
            slot.losses += 1
            slot.loss_sum += loss
        else:
            slot.diverged = True

    def add_slot(self, other: StepSlot) -> None:
        """Add all steps of a shorter slot."""
        slot = self._at(other.begin_unix_ns, other.first)
        slot.last = other.last
        for slot_bin, count in other.counts.items():
            slot.counts[slot_bin] = slot.counts.get(slot_bin, 0) + count
        slot.profiled |= other.profiled
        slot.losses += other.losses
        slot.loss_sum += other.loss_sum
        slot.diverged |= other.diverged

    def view(self) -> tuple[StepSlot, ...]:
        if self._open is None:
            return ()
        return (*self._closed, self._open.frozen())[-(self._closed.maxlen or 0) :]

    def _at(self, unix_ns: int, number: int) -> _OpenSlot:
        """The newest slot, or the next one. If the clock was set back, time goes on where it was."""
        if self._open is None or unix_ns >= self._until_unix_ns:
            if self._open is not None:
                self._closed.append(self._open.frozen())
            begin_unix_ns = unix_ns - unix_ns % self._slot_ns
            self._until_unix_ns = begin_unix_ns + self._slot_ns
            self._open = _OpenSlot(begin_unix_ns, number, number)
        return self._open


class StepTimeSeries:
    """The durations of all steps of one process."""

    def __init__(self) -> None:
        self._plain = self._left_out = 0
        self._counts: dict[int, int] = {}
        self._slowest: list[SlowStep] = []
        """A heap."""
        self._slots = SlotSeries(SLOT_NS, KEPT_SLOTS)

    def add(
        self,
        number: int,
        end_unix_ns: int,
        duration_ns: int,
        phases_ns: tuple[int, ...],
        flags: int,
        loss: float | None,
    ) -> None:
        """Add a step."""
        place = bin_of(duration_ns)
        self._slots.add(number, end_unix_ns, place // _BINS_PER_SLOT_BIN, flags, loss)
        if flags & WATCHED:
            self._left_out += 1
            return
        if not flags:
            self._plain += 1
            self._counts[place] = self._counts.get(place, 0) + 1
        slowest = self._slowest
        if len(slowest) < KEPT_SLOWEST:
            heapq.heappush(slowest, SlowStep(duration_ns, number, phases_ns, flags, end_unix_ns))
        elif duration_ns > slowest[0].duration_ns:
            heapq.heapreplace(slowest, SlowStep(duration_ns, number, phases_ns, flags, end_unix_ns))

    def view(self) -> StepTimes:
        return StepTimes(
            plain=self._plain,
            left_out=self._left_out,
            counts=MappingProxyType(dict(sorted(self._counts.items()))),
            slowest=tuple(sorted(self._slowest, reverse=True)),
            slots=self._slots.view(),
        )
