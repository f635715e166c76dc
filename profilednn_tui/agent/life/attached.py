"""The agent in a process that was started without the profiler: when to leave, and how to leave nothing behind."""

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
"""The host touches a file every second; if it has not done so for this long, nothing reads the recording."""
PATIENCE_S = 2.0
"""How long to wait for a step boundary before leaving within a step."""
SETTLED_S = 1.0
"""After this time, the main thread has left the page used for injection."""


class Attached:
    """An `Arrival` during training; checks the host's heartbeat from the agent's thread."""

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
        """The hello, and a notice that the agent was attached."""
        text = "attached to a running process: steps are counted from that point on"
        return [
            hello(torch, ATTACHED, settings),
            NoticeEvent(INFO, "attached", text, time.time_ns()),
            *notices(torch),
        ]

    def prepare(self, profiler: TorchProfiler, settings: Settings) -> None:
        """Look for a profiler of the program, which may already be running."""
        profiler.foreign.look_for_live()

    def budget(self, percent: float) -> WindowBudget:
        """The budget of a process that has warmed up and whose age counts."""
        return WindowBudget(percent, GRANTED_STEPS_LATE, process_age_ns())

    def look(self, life: Life, window_open: bool) -> None:
        """Request to leave if nothing reads the recording; while leaving, do not wait too long for a step boundary."""
        now_s = self._clock()
        if self._is_unread(now_s):
            life.ask(Request.LEAVE, UNREAD)
        if life.state is not FINISHING:
            return
        if self._finishing_since_s is None:
            self._finishing_since_s = now_s
        # Only the training thread can close an open window, so wait for it.
        if now_s - self._finishing_since_s > PATIENCE_S and not window_open:
            life.ask(Request.RELEASE)

    def gone(self) -> None:
        """Remove what attaching left behind."""
        time.sleep(max(0.0, SETTLED_S - (self._clock() - self._began_s)))
        self._clean_up()

    def _is_unread(self, now_s: float) -> bool:
        try:
            beat_ns = os.stat(self._heartbeat).st_mtime_ns
        except OSError:
            beat_ns = self._beat_ns
        if beat_ns != self._beat_ns:
            self._beat_ns, self._beat_s = beat_ns, now_s
        # Counted from when a touch was noticed, on the monotonic clock: if the machine or the target was suspended, the
        # host is not to blame.
        return now_s - self._beat_s > UNREAD_LIMIT_S


def process_age_ns() -> int:
    """How long this process has been running; 0 if unknown."""
    try:
        with open("/proc/self/stat", "rb") as stream:
            began_ticks = int(stream.read().rpartition(b")")[2].split()[19])
        now_s = time.clock_gettime(time.CLOCK_BOOTTIME)
    except (OSError, ValueError, IndexError):
        return 0
    return max(0, int((now_s - began_ticks / os.sysconf("SC_CLK_TCK")) * 1e9))


def cleaner(page: tuple[int, int], quiet: bool) -> Callable[[], None]:
    """A function that removes what attaching left behind: the injected page and the variable that silences Kineto."""

    def clean_up() -> None:
        if quiet:
            os.unsetenv("KINETO_LOG_LEVEL")
        address, size = page
        if address:
            library = ctypes.CDLL(None)
            library.munmap.argtypes = (ctypes.c_void_p, ctypes.c_size_t)
            library.munmap(address, size)

    return clean_up
