"""The target's threads and their CPU time."""

from __future__ import annotations

from typing import Any

from profilednn_tui.collect.interval import SampleInterval, between_s, per_s
from profilednn_tui.collect.roles import thread_roles
from profilednn_tui.protocol.events import ThreadsEvent

MAX_ROWS = 64


def measure(interval: SampleInterval) -> ThreadsEvent:
    """The busiest threads since the previous sample, over all processes of the target."""
    rows: list[list[Any]] = []
    for pid, process in interval.now.tree.processes.items():
        roles = thread_roles(interval.now, process)
        for tid, thread in process.threads.items():
            earlier = interval.earlier_thread(process, tid)
            known = earlier is not None or interval.is_new(thread.stat.start_ticks)
            elapsed_s = between_s(earlier.stat, thread.stat) if earlier is not None else interval.elapsed_s
            voluntary = thread.voluntary - (earlier.voluntary if earlier is not None else 0)
            involuntary = thread.involuntary - (earlier.involuntary if earlier is not None else 0)
            rows.append(
                [
                    pid,
                    tid,
                    thread.stat.name,
                    roles[tid],
                    interval.thread_percent(process, tid),
                    per_s(voluntary if known else 0, elapsed_s),
                    per_s(involuntary if known else 0, elapsed_s),
                    thread.stat.core,
                ]
            )
    main_pid = interval.now.main_pid
    rows.sort(key=lambda row: (-row[4], row[0] != main_pid, row[0], row[1]))
    return ThreadsEvent(interval.now.unix_ns, len(rows), rows[:MAX_ROWS], interval.now.awaits_input)
