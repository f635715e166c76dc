"""Samples that need no real machine."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from profilednn_tui.collect.cgroup import Throttling
from profilednn_tui.collect.procfs import Stat
from profilednn_tui.collect.sample import CoreTicks, Sample
from profilednn_tui.collect.tree import ProcessTree, ProcessUse, ThreadUse

STAT = Stat(
    name="python",
    state="R",
    parent_pid=1,
    minor_faults=0,
    major_faults=0,
    user_ticks=0,
    system_ticks=0,
    thread_count=1,
    start_ticks=10,
    rss_pages=0,
    core=0,
)


def thread(cpu_ticks: int = 0, *, name: str = "python", core: int = 0, start: int = 10, switches: int = 0) -> ThreadUse:
    stat = replace(STAT, name=name, user_ticks=cpu_ticks, core=core, start_ticks=start)
    return ThreadUse(stat, voluntary=switches, involuntary=switches // 2)


def process(
    pid: int, threads: Mapping[int, ThreadUse], *, parent: int = 1, faults: int = 0, pages: int = 0
) -> ProcessUse:
    """A process whose times are the sums of its threads' times; its name and start are those of its first thread."""
    first = threads[pid].stat
    stat = replace(
        first,
        parent_pid=parent,
        user_ticks=sum(each.stat.cpu_ticks for each in threads.values()),
        minor_faults=faults,
        rss_pages=pages,
    )
    return ProcessUse(pid, stat, threads)


def read_at(process: ProcessUse, at_s: float) -> ProcessUse:
    """The process as read at another time."""
    threads = {tid: replace(each, stat=replace(each.stat, read_s=at_s)) for tid, each in process.threads.items()}
    return replace(process, stat=replace(process.stat, read_s=at_s), threads=threads)


def sample(
    *processes: ProcessUse,
    second: int,
    agents: Mapping[int, int | None] | None = None,
    busy: tuple[int, ...] = (),
    host: int = 0,
    throttling: Throttling | None = None,
) -> Sample:
    """The target at a given second; `busy` has each core's ticks since boot, 100 per second."""
    at_s = float(second)
    return Sample(
        unix_ns=second * 1_000_000_000,
        monotonic_s=at_s,
        boot_ticks=second * 100,
        tree=ProcessTree({each.pid: read_at(each, at_s) for each in processes}),
        main_pid=processes[0].pid if processes else None,
        agents=agents or {},
        cores={index: CoreTicks(ticks, 0, second * 100) for index, ticks in enumerate(busy)},
        host={999: replace(STAT, user_ticks=host, read_s=at_s)},
        throttling=throttling,
    )
