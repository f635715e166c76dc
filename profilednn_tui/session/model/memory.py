"""Memory samples -> the newest one with history, and the medians of those taken while steps ran."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from statistics import median

from profilednn_tui.protocol.events import MemoryEvent
from profilednn_tui.session.view import Memory, Stepping

HISTORY = 240


class MemorySeries:
    """All memory samples of the session; bounded."""

    def __init__(self) -> None:
        self._newest: MemoryEvent | None = None
        self._peak_rss_bytes = 0
        self._samples: deque[MemoryEvent] = deque(maxlen=HISTORY)

    def add(self, event: MemoryEvent) -> None:
        if not event.rss_bytes:  # an ending process, as early versions recorded it
            return
        self._newest = event
        self._peak_rss_bytes = max(self._peak_rss_bytes, event.peak_rss_bytes)
        self._samples.append(event)

    def set_peak(self, rss_bytes: int) -> None:
        """Take the peak that the kernel reports at the end, which samples may miss."""
        self._peak_rss_bytes = max(self._peak_rss_bytes, rss_bytes)

    def view(self, step_ends_unix_ns: Sequence[int]) -> Memory:
        newest = self._newest
        peak = self._peak_rss_bytes or None
        if newest is None:
            return Memory(peak_rss_bytes=peak)
        return Memory(
            rss_bytes=newest.rss_bytes,
            workers_rss_bytes=newest.workers_rss_bytes,
            peak_rss_bytes=peak,
            available_bytes=newest.available_bytes,
            minor_faults_per_s=newest.minor_faults_per_s,
            major_faults_per_s=newest.major_faults_per_s,
            user_percent=newest.user_percent,
            system_percent=newest.system_percent,
            stepping=self._stepping(step_ends_unix_ns),
            rss_history=tuple(one.rss_bytes for one in self._samples),
            faults_history=tuple(map(_faults_per_s, self._samples)),
            history_unix_ns=tuple(one.unix_ns for one in self._samples),
        )

    def _stepping(self, step_ends_unix_ns: Sequence[int]) -> Stepping | None:
        """None if no sample was taken while steps ran."""
        if not step_ends_unix_ns:
            return None
        first, last = step_ends_unix_ns[0], step_ends_unix_ns[-1]
        samples = [one for one in self._samples if first < one.unix_ns <= last]
        if not samples:
            return None
        return Stepping(
            median(map(_faults_per_s, samples)),
            median(one.user_percent for one in samples),
            median(one.system_percent for one in samples),
        )


def _faults_per_s(event: MemoryEvent) -> float:
    return event.minor_faults_per_s + event.major_faults_per_s
