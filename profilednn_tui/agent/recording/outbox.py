"""The agent's output on its way to the recording: bounded queues, and a file that is opened for each flush.

The training thread only appends to a deque. The file is opened, appended to and closed at every flush: a program may
close every file descriptor, and a number that we kept could then refer to one of its own files.
"""

from __future__ import annotations

import errno
import os
import time
from _thread import allocate_lock
from collections import deque
from typing import Any, Optional

from ...protocol.codec import encode
from ...protocol.events import NoticeEvent, StepsEvent, current_header
from ...protocol.files import agent_recording
from ...protocol.vocabulary import AGENT, INFO, WARNING
from ..steps.timeline import Cut
from .trace_ring import TraceRing

MAX_EVENTS = 2_000
MAX_STEPS = 50_000
MAX_WAITING_BYTES = 8_000_000
"""Limit for lines that cannot be written yet: they wait in the target's memory."""
ROWS_PER_LINE = 200


FinishedStep = tuple[int, Cut, Cut, Optional[float], int]
"""A step as queued by the training thread: number, begin, end, loss, flags."""


class Outbox:
    """Events and step rows of one process waiting for the writer; full queues drop what comes and count it."""

    def __init__(self, folder: str) -> None:
        self.path = os.path.join(folder, agent_recording(os.getpid()))
        self.dropped = 0
        self._events: deque[Any] = deque()
        self._steps: deque[FinishedStep] = deque()
        self._lines = deque([encode(current_header(AGENT, os.getpid(), time.time_ns()))])
        self._line_torn = False
        self._refusal = ""
        """Why the last flush failed; empty if it succeeded."""
        self._account = b""
        """The line with the notice about it."""
        self._lost = 0
        """Number of lines dropped because of it."""
        self._begun = False
        """Whether the header has been written."""
        self._writing = allocate_lock()
        self.traces = TraceRing(folder)

    def introduce(self, events: list[Any]) -> None:
        """Put the opening events of the stream before everything queued."""
        self._lines.extend(map(encode, events))

    def put(self, event: Any) -> None:
        """Queue an event."""
        if len(self._events) < MAX_EVENTS:
            self._events.append(event)
        else:
            self.dropped += 1

    def put_step(self, step: FinishedStep) -> None:
        """Queue a step."""
        if len(self._steps) < MAX_STEPS:
            self._steps.append(step)
        else:
            self.dropped += 1

    def flush(self) -> None:
        """Write everything queued, in whole lines; what cannot be written waits for the next flush.

        That flush begins with a notice about it. Threads take turns.
        """
        with self._writing:
            self._flush()
            self.traces.write()

    def flush_if_free(self) -> None:
        """Flush unless another thread is flushing: training does not wait."""
        if self._writing.acquire(False):
            try:
                self._flush()
            finally:
                self._writing.release()

    def _flush(self) -> None:
        offset_ns = time.time_ns() - time.perf_counter_ns()
        while self._steps:
            self._lines.append(encode(self._next_steps(offset_ns)))
        while self._events:
            self._lines.append(encode(self._events.popleft()))
        if not self._lines:
            return
        if self._refusal:
            self._put_account()
        try:
            descriptor = os.open(self.path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
        except OSError as error:
            self._refused(error)
            return
        try:
            while self._lines:
                self._write_line(descriptor)
            self._refusal, self._lost = "", 0
        except OSError as error:
            self._refused(error)
        finally:
            os.close(descriptor)

    def _next_steps(self, offset_ns: int) -> StepsEvent:
        waiting = self._steps
        first = waiting[0][0]
        rows: list[list[Any]] = []
        while waiting and len(rows) < ROWS_PER_LINE and waiting[0][0] == first + len(rows):
            _, begin, end, loss, flags = waiting.popleft()
            duration_ns = end.now_ns - begin.now_ns
            rows.append([end.now_ns + offset_ns, duration_ns, *end.phases_since(begin), loss, flags])
        return StepsEvent(first, rows)

    def _write_line(self, descriptor: int) -> None:
        line = self._lines[0]
        # A line truncated by a full disk stays in the file; a newline separates it from the next attempt.
        whole = b"\n" + line if self._line_torn else line
        written = os.write(descriptor, whole)
        if written < len(whole):
            self._line_torn = written > 0 or self._line_torn
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        self._line_torn = False
        self._begun = True
        self._lines.popleft()

    def _refused(self, error: OSError) -> None:
        self._refusal = error.strerror or str(error)
        waiting = sum(map(len, self._lines))
        while len(self._lines) > 2 and (len(self._lines) > MAX_EVENTS or waiting > MAX_WAITING_BYTES):
            waiting -= len(self._lines[1])
            del self._lines[1]  # the header stays
            self.dropped += 1
            self._lost += 1

    def _put_account(self) -> None:
        """Put the notice before the waiting lines: the last line of a recording tells how it ended."""
        if self._account in self._lines:
            self._lines.remove(self._account)
        pid, reason = os.getpid(), self._refusal
        recording = f"the recording of process {pid}"
        level, text = INFO, f"T{recording[1:]} could not be written for a while ({reason}); nothing is lost."
        if self._lost:
            level = WARNING
            text = f"{self._lost} lines of {recording} are lost: the disk rejected them ({reason}). Free some space."
        self._account = encode(NoticeEvent(level, "disk", text, time.time_ns()))
        self._lines.insert(0 if self._begun else 1, self._account)
