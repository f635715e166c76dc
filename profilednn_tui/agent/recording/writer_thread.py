"""The agent's own thread."""

from __future__ import annotations

import _thread
import ctypes
from typing import Any, Callable

INTERVAL_S = 0.25
"""Time between two rounds."""
NAME = b"profilednn"
PR_SET_NAME = 15


class WriterThread:
    """A thread unknown to Python's `threading`, so that the program sees only its own threads there."""

    def __init__(self, look: Callable[[], bool]) -> None:
        self._look = look
        """One round; returns whether to go on."""
        self._wake = _thread.allocate_lock()
        self._ended = _thread.allocate_lock()
        self._running = False

    def start(self) -> None:
        """Start the thread, unless it is running."""
        if self._running:
            return
        self._wake = _thread.allocate_lock()
        self._ended = _thread.allocate_lock()
        self._wake.acquire()
        self._ended.acquire()
        self._running = True
        _thread.start_new_thread(self._run, (self._wake, self._ended))

    def stop(self) -> None:
        """End the thread and wait for it."""
        if self._running:
            self._running = False
            self._wake.release()
            self._ended.acquire(timeout=2.0)

    def _run(self, wake: Any, ended: Any) -> None:
        try:
            ctypes.CDLL(None).prctl(PR_SET_NAME, NAME, 0, 0, 0)  # lets the host recognize this thread
            while self._look() and not wake.acquire(timeout=INTERVAL_S):
                pass
        finally:
            ended.release()
