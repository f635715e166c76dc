"""Two samples, and the resources each process and thread used between them."""

from __future__ import annotations

from dataclasses import dataclass

from profilednn_tui.collect import procfs
from profilednn_tui.collect.sample import Sample
from profilednn_tui.collect.tree import ProcessUse, ThreadUse


@dataclass(frozen=True, slots=True)
class SampleInterval:
    """The interval between two samples."""

    before: Sample
    now: Sample

    @property
    def elapsed_s(self) -> float:
        return max(1e-9, self.now.monotonic_s - self.before.monotonic_s)

    def percent(self, ticks: int) -> float:
        """CPU time as a percentage of one core."""
        return round(100 * max(0, ticks) / procfs.TICKS_PER_S / self.elapsed_s, 1)

    def per_s(self, count: int) -> float:
        return round(max(0, count) / self.elapsed_s, 1)

    def earlier_process(self, process: ProcessUse) -> ProcessUse | None:
        return self.before.tree.same(process)

    def earlier_thread(self, process: ProcessUse, tid: int) -> ThreadUse | None:
        earlier = self.before.tree.processes.get(process.pid)
        thread = earlier.threads.get(tid) if earlier is not None else None
        return (
            thread if thread is not None and thread.stat.start_ticks == process.threads[tid].stat.start_ticks else None
        )

    def process_ticks(self, process: ProcessUse) -> int:
        """CPU time of a process."""
        earlier = self.earlier_process(process)
        if earlier is not None:
            return process.stat.cpu_ticks - earlier.stat.cpu_ticks
        return process.stat.cpu_ticks if self.is_new(process.stat.start_ticks) else 0

    def thread_ticks(self, process: ProcessUse, tid: int) -> int:
        """CPU time of a thread."""
        thread, earlier = process.threads[tid], self.earlier_thread(process, tid)
        if earlier is not None:
            return thread.stat.cpu_ticks - earlier.stat.cpu_ticks
        return thread.stat.cpu_ticks if self.is_new(thread.stat.start_ticks) else 0

    def is_new(self, start_ticks: int) -> bool:
        """Whether something started in the interval; the counts of anything older but new to us include earlier use."""
        return start_ticks >= self.before.boot_ticks
