"""The due share of the target's other processes in all memory: pages that several have are divided among them."""

from __future__ import annotations

import time

from profilednn_tui.collect import procfs
from profilednn_tui.collect.sample import Sample
from profilednn_tui.protocol.events import PssEvent

INTERVAL_S = 10.0
MOST_TIME = 0.005
"""Share of the time that the kernel may take to add up pages."""
MAX_ROWS = 256


class PssReader:
    """Reads the shares every now and then."""

    def __init__(self) -> None:
        self._due_s = 0.0

    def look(self, now: Sample) -> PssEvent | None:
        """The shares of all processes without an agent; None if they are not due, or there are none."""
        if now.monotonic_s < self._due_s:
            return None
        began_s = time.monotonic()
        rows = []
        for pid, process in now.tree.processes.items():
            if pid in now.agents or pid == now.main_pid or process.stat.exiting:
                continue
            pss_kb = procfs.number_after(procfs.read(f"/proc/{pid}/smaps_rollup"), b"\nPss:")
            if pss_kb is not None:
                rows.append([pid, process.stat.parent_pid, pss_kb * 1024])
        took_s = time.monotonic() - began_s
        self._due_s = now.monotonic_s + max(INTERVAL_S, took_s / MOST_TIME)
        return PssEvent(now.unix_ns, rows[:MAX_ROWS]) if rows else None
