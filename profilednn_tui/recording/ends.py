"""When the target's processes end, and how: which rank of a training dies first is a matter of milliseconds.

The kernel reports the end of a process on a descriptor of it, to whoever asks. The exit code is there to be read until
the parent has asked for it: torchrun does so ten times a second, a shell at once.
"""

from __future__ import annotations

import os
import queue
import select
import threading
import time
from collections.abc import Iterable

from profilednn_tui.collect import procfs
from profilednn_tui.collect.tree import ProcessUse
from profilednn_tui.protocol.events import ProcessEndEvent

_EXIT_CODE = 49
"""Place of the exit code, field 52 of ``/proc/PID/stat``, behind the name in parentheses."""
_ENDED = "ZX"
"""States of a process that has ended."""


class EndWatch:
    """Follows processes; a thread waits for their ends and posts them."""

    def __init__(self) -> None:
        self._followed: dict[int, int] = {}
        """The ``start_ticks`` of all processes ever followed, by pid."""
        self._seen_ns: dict[int, int] = {}
        """When they were last seen running."""
        self._descriptors: dict[int, int] = {}
        """The pid of each open descriptor."""
        self._polled: set[int] = set()
        """Processes without a descriptor."""
        self._posted: queue.SimpleQueue[ProcessEndEvent] = queue.SimpleQueue()
        self._epoll: select.epoll | None = None
        self._taking = threading.Lock()
        """Held until an end that was taken is posted."""

    def follow(self, processes: Iterable[ProcessUse]) -> None:
        """Follow some processes that have just been seen running, if they are not followed yet."""
        for process in processes:
            pid, start_ticks = process.pid, process.stat.start_ticks
            self._seen_ns[pid] = time.time_ns()
            if self._followed.get(pid) == start_ticks:
                continue
            self._followed[pid] = start_ticks
            try:
                descriptor = os.pidfd_open(pid)
            except OSError:  # an old kernel, a container that forbids it, or the process has just ended
                self._polled.add(pid)
                continue
            self._descriptors[descriptor] = pid
            self._waiting().register(descriptor, select.EPOLLIN)

    def news(self) -> list[ProcessEndEvent]:
        """The ends since the last call."""
        for pid in [pid for pid in self._polled if self._is_gone(pid)]:
            self._polled.remove(pid)
            self._post(pid)
        return [self._posted.get_nowait() for _ in range(self._posted.qsize())]

    def last_news(self) -> list[ProcessEndEvent]:
        """The ends since the last call, those included that the thread has not come to yet."""
        for descriptor, pid in [*self._descriptors.items()]:
            if self._is_gone(pid):
                self._take(descriptor)
        with self._taking:
            return self.news()

    def _is_gone(self, pid: int) -> bool:
        stat = procfs.process(pid)
        return stat is None or stat.state in _ENDED or stat.start_ticks != self._followed[pid]

    def _waiting(self) -> select.epoll:
        if self._epoll is None:
            self._epoll = select.epoll()
            threading.Thread(target=self._wait, args=(self._epoll,), name="ends", daemon=True).start()
        return self._epoll

    def _wait(self, epoll: select.epoll) -> None:
        while True:
            for descriptor, _ in epoll.poll():
                self._take(descriptor)

    def _take(self, descriptor: int) -> None:
        """Post the end of a process; the first of two threads does."""
        with self._taking:
            pid = self._descriptors.pop(descriptor, None)
            if pid is not None:
                self._post(pid)
                os.close(descriptor)  # which takes it out of the epoll

    def _post(self, pid: int) -> None:
        now_ns = time.time_ns()
        self._posted.put(ProcessEndEvent(pid, exit_code(pid), self._seen_ns[pid], now_ns))


def exit_code(pid: int) -> int | None:
    """The exit code of a process that has ended and that its parent has not asked for yet, negative for a signal; None
    if there is no such process, or if it is another user's."""
    try:
        if os.geteuid() not in (0, os.stat(f"/proc/{pid}").st_uid):
            return None
    except OSError:
        return None
    fields = procfs.read(f"/proc/{pid}/stat").rpartition(b")")[2].split()
    if len(fields) <= _EXIT_CODE or fields[0].decode() not in _ENDED:
        return None
    return os.waitstatus_to_exitcode(int(fields[_EXIT_CODE]))
