"""The target's other processes: DataLoader workers, ranks, helpers."""

from __future__ import annotations

from typing import Any

from profilednn_tui.collect.interval import SampleInterval
from profilednn_tui.collect.roles import process_role
from profilednn_tui.protocol.events import WorkersEvent

MAX_ROWS = 64


def measure(interval: SampleInterval) -> WorkersEvent:
    """All processes of the target except the main one and those about to end, busiest first."""
    now = interval.now
    rows: list[list[Any]] = [
        [pid, process_role(now, process), interval.process_percent(process), process.rss_bytes, process.cpus]
        for pid, process in now.tree.processes.items()
        if pid != now.main_pid and not process.stat.exiting
    ]
    rows.sort(key=lambda row: (-row[2], row[0]))
    return WorkersEvent(now.unix_ns, rows[:MAX_ROWS])
