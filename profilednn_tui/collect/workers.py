"""The target's other processes: DataLoader workers, ranks, helpers."""

from __future__ import annotations

from typing import Any

from profilednn_tui.collect.change import Change
from profilednn_tui.collect.roles import process_role
from profilednn_tui.protocol.events import WorkersEvent

MAX_ROWS = 64


def measure(change: Change) -> WorkersEvent:
    """All processes of the target but the main one, the busiest first."""
    now = change.now
    rows: list[list[Any]] = [
        [pid, process_role(now, process), change.percent(change.process_ticks(process)), process.rss_bytes]
        for pid, process in now.tree.processes.items()
        if pid != now.main_pid
    ]
    rows.sort(key=lambda row: (-row[2], row[0]))
    return WorkersEvent(now.unix_ns, rows[:MAX_ROWS])
