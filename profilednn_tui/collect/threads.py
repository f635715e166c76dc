"""The target's threads and what they cost."""

from __future__ import annotations

from typing import Any

from profilednn_tui.collect.change import Change
from profilednn_tui.collect.roles import thread_roles
from profilednn_tui.protocol.events import ThreadsEvent

MAX_ROWS = 64


def measure(change: Change) -> ThreadsEvent:
    """The busiest threads since the earlier moment, of all processes of the target."""
    rows: list[list[Any]] = []
    for pid, process in change.now.tree.processes.items():
        roles = thread_roles(change.now, process)
        for tid, thread in process.threads.items():
            earlier = change.earlier_thread(process, tid)
            known = earlier is not None or change.is_new(thread.stat.start_ticks)
            voluntary = thread.voluntary - (earlier.voluntary if earlier is not None else 0)
            involuntary = thread.involuntary - (earlier.involuntary if earlier is not None else 0)
            rows.append(
                [
                    pid,
                    tid,
                    thread.stat.name,
                    roles[tid],
                    change.percent(change.thread_ticks(process, tid)),
                    change.per_s(voluntary if known else 0),
                    change.per_s(involuntary if known else 0),
                    thread.stat.core,
                ]
            )
    main_pid = change.now.main_pid
    rows.sort(key=lambda row: (-row[4], row[0] != main_pid, row[0], row[1]))
    return ThreadsEvent(change.now.unix_ns, len(rows), rows[:MAX_ROWS])
