"""What disturbs a measurement: other processes on the same cores, and other virtual machines."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Mapping

from profilednn_tui.collect import procfs
from profilednn_tui.collect.sample import CoreTicks, core_ticks
from profilednn_tui.session.model.cores import Disturbance, contention


def watch_neighbours() -> Callable[[], str | None]:
    """Start watching; the result is called at the end and returns one sentence if timings are not reliable."""
    cores, own_s, start_s = _cores(), _own_s(), time.monotonic()

    def sentence() -> str | None:
        elapsed_s = time.monotonic() - start_s
        return contention(disturbance(cores, _cores(), _own_s() - own_s, elapsed_s), len(cores))

    return sentence


def disturbance(
    before: Mapping[int, CoreTicks], now: Mapping[int, CoreTicks], own_s: float, elapsed_s: float
) -> Disturbance:
    """Between two readings, while this process and its children used `own_s` seconds of CPU time."""
    shared = [(before[core], now[core]) for core in before.keys() & now.keys()]
    ticks_per_s = os.sysconf("SC_CLK_TCK")
    busy_s = sum(later.busy - earlier.busy for earlier, later in shared) / ticks_per_s
    total = sum(later.total - earlier.total for earlier, later in shared)
    stolen = sum(later.steal - earlier.steal for earlier, later in shared)
    return Disturbance(
        others_percent=100 * max(0.0, busy_s - own_s) / elapsed_s if elapsed_s > 0 else 0.0,
        steal_percent=100 * stolen / total if total > 0 else 0.0,
        throttled_percent=0.0,
    )


def _cores() -> dict[int, CoreTicks]:
    """The cores that this process may use."""
    allowed = os.sched_getaffinity(0)
    return {core: ticks for core, ticks in core_ticks(procfs.read("/proc/stat")).items() if core in allowed}


def _own_s() -> float:
    times = os.times()
    return times.user + times.system + times.children_user + times.children_system
