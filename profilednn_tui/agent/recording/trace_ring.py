"""The calls of the newest windows, in files of their own: each window takes the place of the oldest one."""

from __future__ import annotations

import os
import time
from collections import deque
from typing import Callable

from ...protocol.codec import encode
from ...protocol.events import TraceEvent, current_header
from ...protocol.files import TRACES, trace_file
from ...protocol.vocabulary import AGENT


class TraceRing:
    """Traces of one process on their way to their files; what the disk refuses is not kept."""

    def __init__(self, folder: str) -> None:
        self._folder = folder
        self._waiting: deque[Callable[[], TraceEvent]] = deque(maxlen=TRACES)

    def put(self, packed: Callable[[], TraceEvent]) -> None:
        """Queue a trace, which is packed when it is written."""
        self._waiting.append(packed)

    def write(self) -> None:
        """Write all that wait. A reader finds a whole trace, or the one before it."""
        while self._waiting:
            trace = self._waiting.popleft()()
            data = encode(current_header(AGENT, os.getpid(), time.time_ns())) + encode(trace)
            path = os.path.join(self._folder, trace_file(os.getpid(), trace.window))
            try:
                _replace(path, data)
            except OSError:
                continue


def _replace(path: str, data: bytes) -> None:
    beside = path + ".new"
    flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW | os.O_CLOEXEC
    descriptor = os.open(beside, flags, 0o600)
    try:
        while data:
            data = data[os.write(descriptor, data) :]
    except OSError:
        os.unlink(beside)
        raise
    finally:
        os.close(descriptor)
    os.replace(beside, path)
