"""What the agent has to say, on its way to the recording: a bounded queue, and a file opened for each flush.

The training thread only appends to a deque. The file is opened, appended to and closed again at every flush: a
program may close every file descriptor, and a number that we held would then name a file of the program's.
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

MAX_EVENTS = 2_000
MAX_STEPS = 50_000
MAX_WAITING_BYTES = 8_000_000
"""Of lines that the disk does not take: they wait in the memory of the training."""
ROWS_A_LINE = 200


FinishedStep = tuple[int, Cut, Cut, Optional[float], int]
"""One step as the training thread leaves it: number, begin, end, loss, flags."""


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
        """Why the disk took nothing, the last time."""
        self._account = b""
        """The line that says so."""
        self._lost = 0
        """Lines that it never took."""
        self._begun = False
        """Whether the header is written."""
        self._writing = allocate_lock()

    def introduce(self, events: list[Any]) -> None:
        """What opens the stream: it goes before all that is queued."""
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
        """Write what is queued, whole lines only; what the disk does not take waits for the next flush.

        The first line that it takes then says so. Two threads take turns.
        """
        with self._writing:
            self._flush()

    def flush_if_free(self) -> None:
        """The same, unless another thread is at it: the training does not wait."""
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
        while waiting and len(rows) < ROWS_A_LINE and waiting[0][0] == first + len(rows):
            _, begin, end, loss, flags = waiting.popleft()
            duration_ns = end.now_ns - begin.now_ns
            rows.append([end.now_ns + offset_ns, duration_ns, *end.phases_since(begin), loss, flags])
        return StepsEvent(first, rows)

    def _write_line(self, descriptor: int) -> None:
        line = self._lines[0]
        # A line cut by a full disk stays in the file; a newline sets it apart from the next try.
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
        """In front of what waits, for the last line of a recording says how it ended."""
        if self._account in self._lines:
            self._lines.remove(self._account)
        pid, reason = os.getpid(), self._refusal
        level, text = INFO, f"The disk took nothing of process {pid} for a while ({reason}); nothing is lost."
        if self._lost:
            level = WARNING
            text = f"{self._lost} lines of process {pid} are lost: the disk took none ({reason}). Free some space."
        self._account = encode(NoticeEvent(level, "disk", text, time.time_ns()))
        self._lines.insert(0 if self._begun else 1, self._account)
