"""Being in a process that was started without us: when to leave it, and what to leave behind, which is nothing."""

from __future__ import annotations

import ctypes
import os
import time
from typing import Any, Callable

from ..protocol.vocabulary import DETACH, UNREAD

UNREAD_LIMIT_S = 60.0
"""The host touches a file every second; after so long without that, nobody reads what we write."""
PATIENCE_S = 2.0
"""How long a boundary is waited for before the agent leaves between two."""
SETTLED_S = 1.0
"""After so long the main thread has left the page through which we came."""


class AttachedLifetime:
    """Watches the host's sign of life from the agent's thread, and lets the agent go."""

    def __init__(
        self, heartbeat: str, clean_up: Callable[[], None], clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._heartbeat = heartbeat
        self._clean_up = clean_up
        self._clock = clock
        self._beat_ns = 0
        self._beat_s = self._began_s = clock()
        self._leaving_since_s: float | None = None
        self.reason = DETACH
        """Of the leave: ``detach`` or ``unread``."""

    def look(self, tracker: Any) -> None:
        """Let `tracker` go when it is time to."""
        now_s = self._clock()
        if not tracker.leaving and self._is_unread(now_s):
            self.reason = UNREAD
            tracker.leaving = True
        if tracker.leaving and self._leaving_since_s is None:
            self._leaving_since_s = now_s
        if self._leaving_since_s is not None and now_s - self._leaving_since_s > PATIENCE_S:
            # An open window can be closed by the training thread alone: then there is no other way than to wait.
            tracker.detach_wanted = tracker.windows is None or not tracker.windows.open

    def end(self) -> None:
        """The agent has gone."""
        time.sleep(max(0.0, SETTLED_S - (self._clock() - self._began_s)))
        self._clean_up()

    def _is_unread(self, now_s: float) -> bool:
        try:
            beat_ns = os.stat(self._heartbeat).st_mtime_ns
        except OSError:
            beat_ns = self._beat_ns
        if beat_ns != self._beat_ns:
            self._beat_ns, self._beat_s = beat_ns, now_s
        # On the monotonic clock: a machine or a target that slept has had no chance to see the sign.
        return now_s - self._beat_s > UNREAD_LIMIT_S


def process_age_ns() -> int:
    """How long this process has been running; 0 when the system does not tell."""
    try:
        with open("/proc/self/stat", "rb") as stream:
            began_ticks = int(stream.read().rpartition(b")")[2].split()[19])
        now_s = time.clock_gettime(time.CLOCK_BOOTTIME)
    except (OSError, ValueError, IndexError):
        return 0
    return max(0, int((now_s - began_ticks / os.sysconf("SC_CLK_TCK")) * 1e9))


def cleaner(page: tuple[int, int], quiet: bool) -> Callable[[], None]:
    """Undoes what the way in has left: the page of an injection, and the variable that keeps torch's profiler quiet."""

    def clean_up() -> None:
        if quiet:
            os.unsetenv("KINETO_LOG_LEVEL")
        address, size = page
        if address:
            library = ctypes.CDLL(None)
            library.munmap.argtypes = (ctypes.c_void_p, ctypes.c_size_t)
            library.munmap(address, size)

    return clean_up
