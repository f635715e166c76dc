"""The target's processes and threads at one instant."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field

import psutil

from profilednn_tui.collect import procfs
from profilednn_tui.collect.procfs import Stat

MANY_THREADS = 128
"""Above this, the context switches of threads that used no CPU time are not read again: they hardly change."""


@dataclass(frozen=True, slots=True)
class ThreadUse:
    """One thread; context switches are counted from its start."""

    stat: Stat
    voluntary: int
    involuntary: int


@dataclass(frozen=True, slots=True)
class ProcessUse:
    """One process; the times in its `stat` include threads that have ended."""

    pid: int
    stat: Stat
    threads: Mapping[int, ThreadUse]
    cpus: int = 0
    """Number of logical CPUs that it may run on; 0 if unknown."""

    @property
    def rss_bytes(self) -> int:
        return self.stat.rss_pages * procfs.PAGE_BYTES


@dataclass(frozen=True, slots=True)
class ProcessTree:
    """A process and its descendants, by pid."""

    processes: Mapping[int, ProcessUse] = field(default_factory=dict)

    @property
    def thread_count(self) -> int:
        return sum(len(process.threads) for process in self.processes.values())

    def same(self, process: ProcessUse) -> ProcessUse | None:
        """The same process in this tree; None if it is gone or its PID was reused."""
        mine = self.processes.get(process.pid)
        return mine if mine is not None and mine.stat.start_ticks == process.stat.start_ticks else None


class TreeReader:
    """Reads the tree below one process repeatedly.

    A descendant stays in the tree after its parent has ended: a launcher may exit before its ranks.
    """

    def __init__(self, root_pid: int) -> None:
        root = procfs.process(root_pid)
        self._start_ticks = {} if root is None else {root_pid: root.start_ticks}
        self._last = ProcessTree()

    def read(self) -> ProcessTree:
        many = self._last.thread_count > MANY_THREADS
        processes: dict[int, ProcessUse] = {}
        waiting = [pid for pid, start_ticks in self._start_ticks.items() if _start_ticks(pid) == start_ticks]
        while waiting:
            pid = waiting.pop()
            stat = procfs.process(pid)
            if pid in processes or stat is None or stat.state in "ZX":
                continue
            threads = _threads(pid, self._last.processes.get(pid) if many else None)
            processes[pid] = ProcessUse(pid, stat, threads, _cpus(pid))
            waiting += _children(pid, threads)
        self._last = ProcessTree(processes)
        self._start_ticks = {pid: process.stat.start_ticks for pid, process in processes.items()}
        return self._last


def _start_ticks(pid: int) -> int | None:
    stat = procfs.process(pid)
    return None if stat is None else stat.start_ticks


def _cpus(pid: int) -> int:
    try:
        return len(os.sched_getaffinity(pid))
    except OSError:
        return 0


def _threads(pid: int, earlier: ProcessUse | None) -> dict[int, ThreadUse]:
    threads: dict[int, ThreadUse] = {}
    for name in procfs.names(f"/proc/{pid}/task"):
        stat = procfs.stat(f"/proc/{pid}/task/{name}/stat")
        if stat is None:
            continue
        before = earlier.threads.get(int(name)) if earlier is not None else None
        if before is not None and before.stat.cpu_ticks == stat.cpu_ticks:
            threads[int(name)] = ThreadUse(stat, before.voluntary, before.involuntary)
        else:
            status = procfs.read(f"/proc/{pid}/task/{name}/status")
            voluntary = procfs.number_after(status, b"\nvoluntary_ctxt_switches:") or 0
            involuntary = procfs.number_after(status, b"\nnonvoluntary_ctxt_switches:") or 0
            threads[int(name)] = ThreadUse(stat, voluntary, involuntary)
    return threads


def _children(pid: int, threads: Mapping[int, ThreadUse]) -> list[int]:
    if not _KERNEL_LISTS_CHILDREN:
        return _children_by_search(pid)
    lists = (procfs.read(f"/proc/{pid}/task/{tid}/children") for tid in threads)
    return [int(child) for children in lists for child in children.split()]


def _children_by_search(pid: int) -> list[int]:
    try:
        return [child.pid for child in psutil.Process(pid).children()]
    except psutil.Error:
        return []


def _kernel_lists_children() -> bool:
    return "children" in procfs.names("/proc/thread-self")


_KERNEL_LISTS_CHILDREN = _kernel_lists_children()
