"""Memory samples -> the newest one with history."""

from __future__ import annotations

from collections import deque

from profilednn_tui.protocol.events import MemoryEvent
from profilednn_tui.session.view import Memory

HISTORY = 240


class MemorySeries:
    """All memory samples of the session; bounded."""

    def __init__(self) -> None:
        self._newest: MemoryEvent | None = None
        self._peak_rss_bytes = 0
        self._rss: deque[int] = deque(maxlen=HISTORY)
        self._faults: deque[float] = deque(maxlen=HISTORY)

    def add(self, event: MemoryEvent) -> None:
        if not event.rss_bytes:  # an ending process, as early versions recorded it
            return
        self._newest = event
        self._peak_rss_bytes = max(self._peak_rss_bytes, event.peak_rss_bytes)
        self._rss.append(event.rss_bytes)
        self._faults.append(event.minor_faults_per_s + event.major_faults_per_s)

    def set_peak(self, rss_bytes: int) -> None:
        """Take the peak that the kernel reports at the end, which samples may miss."""
        self._peak_rss_bytes = max(self._peak_rss_bytes, rss_bytes)

    def view(self) -> Memory:
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
            rss_history=tuple(self._rss),
            faults_history=tuple(self._faults),
        )
