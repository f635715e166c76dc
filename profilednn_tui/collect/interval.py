"""Two samples, and the resources each process and thread used between them."""

from __future__ import annotations

import os
from dataclasses import dataclass

from profilednn_tui.collect import procfs
from profilednn_tui.collect.procfs import Stat
from profilednn_tui.collect.sample import Sample
from profilednn_tui.collect.tree import ProcessUse, ThreadUse

_SHORTEST_S = 1e-3
"""Less time between two reads of the same counts tells nothing: they are whole ticks of 10 ms."""


@dataclass(frozen=True, slots=True)
class SampleInterval:
    """The interval between two samples.

    Reading a sample takes time, and on a busy machine the reader may be suspended in the middle. So each use is divided
    by the time between the two reads of its own counts, not by the time between the samples.
    """

    before: Sample
    now: Sample

    @property
    def elapsed_s(self) -> float:
        return max(_SHORTEST_S, self.now.monotonic_s - self.before.monotonic_s)

    @property
    def most_percent(self) -> float:
        """What all cores can give, in percent of one core."""
        return 100.0 * (len(self.now.cores) or os.cpu_count() or 1)

    def earlier_process(self, process: ProcessUse) -> ProcessUse | None:
        return self.before.tree.same(process)

    def earlier_thread(self, process: ProcessUse, tid: int) -> ThreadUse | None:
        earlier = self.before.tree.processes.get(process.pid)
        thread = earlier.threads.get(tid) if earlier is not None else None
        return (
            thread if thread is not None and thread.stat.start_ticks == process.threads[tid].stat.start_ticks else None
        )

    def process_percent(self, process: ProcessUse) -> float:
        """CPU time of a process, in percent of one core."""
        earlier = self.earlier_process(process)
        percent = self.stat_percent(process.stat, earlier.stat if earlier is not None else None)
        return round(min(percent, self.most_percent), 1)

    def thread_percent(self, process: ProcessUse, tid: int) -> float:
        """CPU time of a thread, in percent of the core it runs on."""
        earlier = self.earlier_thread(process, tid)
        percent = self.stat_percent(process.threads[tid].stat, earlier.stat if earlier is not None else None)
        return round(min(percent, 100.0), 1)

    def stat_percent(self, now: Stat, before: Stat | None) -> float:
        """CPU time in percent of one core; 0 for anything that is older than the interval but not in its start."""
        if before is not None:
            return ticks_percent(now.cpu_ticks - before.cpu_ticks, between_s(before, now))
        if not self.is_new(now.start_ticks):
            return 0.0
        return ticks_percent(now.cpu_ticks, now.read_s - self.before.monotonic_s)

    @property
    def ended_percent(self) -> float:
        """CPU time of processes of the target that have ended in the interval, in percent of one core.

        They are in neither or one of the samples; the kernel tells their time in the process that has waited for them.
        """
        ended = 0
        for process in self.now.tree.processes.values():
            earlier = self.earlier_process(process)
            if earlier is not None:
                ended += process.stat.children_ticks - earlier.stat.children_ticks
            elif self.is_new(process.stat.start_ticks):
                ended += process.stat.children_ticks
        for process in self.before.tree.processes.values():
            if self.now.tree.same(process) is None:
                ended -= process.stat.cpu_ticks + process.stat.children_ticks
        return ticks_percent(ended, self.elapsed_s)

    def is_new(self, start_ticks: int) -> bool:
        """Whether something started in the interval; the counts of anything older but new to us include earlier use."""
        return start_ticks >= self.before.boot_ticks


def between_s(before: Stat, now: Stat) -> float:
    """Time between two reads of the same counts."""
    return max(_SHORTEST_S, now.read_s - before.read_s)


def ticks_percent(ticks: int, elapsed_s: float) -> float:
    """CPU time as a percentage of one core."""
    return 100 * max(0, ticks) / procfs.TICKS_PER_S / max(_SHORTEST_S, elapsed_s)


def per_s(count: int, elapsed_s: float) -> float:
    return round(max(0, count) / max(_SHORTEST_S, elapsed_s), 1)
