"""In a process that was started without us: when to leave it, without leaving anything behind."""

from __future__ import annotations

import ctypes
import os
import time
from typing import Any, Callable

from ...protocol.events import NoticeEvent
from ...protocol.files import HEARTBEAT
from ...protocol.vocabulary import ATTACHED, INFO, UNREAD
from ..introduction import hello, notices
from ..settings import Settings
from ..windows.budget import GRANTED_STEPS_LATE, WindowBudget
from ..windows.torch_profiler import TorchProfiler
from .arrival import Opening
from .states import FINISHING, Life, Request

UNREAD_LIMIT_S = 60.0
"""The host touches a file every second; after so long without that, nobody reads what we write."""
PATIENCE_S = 2.0
"""How long to wait for a step boundary before leaving between two."""
SETTLED_S = 1.0
"""After this time the main thread has left the page through which we came."""


class Attached:
    """An `Arrival` in a training under way; watches the host's sign of life from the agent's thread."""

    opening = Opening.AT_ONCE
    late = True
    follows_forks = False

    def __init__(self, folder: str, clean_up: Callable[[], None], clock: Callable[[], float] = time.monotonic) -> None:
        self._heartbeat = os.path.join(folder, HEARTBEAT)
        self._clean_up = clean_up
        self._clock = clock
        self._beat_ns = 0
        self._beat_s = self._began_s = clock()
        self._finishing_since_s: float | None = None

    def introduction(self, torch: Any, settings: Settings) -> list[Any]:
        """Who we are, and that we came late."""
        text = "attached to a running process: steps count from then on"
        return [
            hello(torch, ATTACHED, settings),
            NoticeEvent(INFO, "attached", text, time.time_ns()),
            *notices(torch),
        ]

    def prepare(self, profiler: TorchProfiler, settings: Settings) -> None:
        """The program may be profiling itself already."""
        profiler.foreign.look_for_live()

    def budget(self, percent: float) -> WindowBudget:
        """That of a training which has warmed up, and whose age counts."""
        return WindowBudget(percent, GRANTED_STEPS_LATE, process_age_ns())

    def look(self, life: Life, window_open: bool) -> None:
        """Ask to leave when nobody reads us, and insist when no step boundary comes."""
        now_s = self._clock()
        if self._is_unread(now_s):
            life.ask(Request.LEAVE, UNREAD)
        if life.state is not FINISHING:
            return
        if self._finishing_since_s is None:
            self._finishing_since_s = now_s
        # Only the training thread can close an open window: then there is no other way than to wait.
        if now_s - self._finishing_since_s > PATIENCE_S and not window_open:
            life.ask(Request.RELEASE)

    def gone(self) -> None:
        """Undo what the way in has left."""
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
