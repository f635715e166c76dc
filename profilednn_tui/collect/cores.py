"""Use of the logical CPUs: by the target, by other processes, and stolen by the hypervisor."""

from __future__ import annotations

from profilednn_tui.collect.interval import SampleInterval, ticks_percent
from profilednn_tui.collect.sample import CoreTicks
from profilednn_tui.protocol.events import CoresEvent


def measure(interval: SampleInterval) -> CoresEvent:
    """Use since the previous sample."""
    now = interval.now
    on_core = [0.0] * (max(now.cores, default=-1) + 1)
    for process in now.tree.processes.values():
        for tid, thread in process.threads.items():
            if thread.stat.core < len(on_core):
                on_core[thread.stat.core] += interval.thread_percent(process, tid)
    shares = [_shares(interval.before.cores.get(core), now.cores.get(core)) for core in range(len(on_core))]
    busy, steal = [share for share, _ in shares], [share for _, share in shares]
    # Counts of processes and of cores are read one after the other: their sums may differ by the time in between.
    left = interval.most_percent - sum(steal)
    running = sum(map(interval.process_percent, now.tree.processes.values()))
    target_percent = min(left, running + interval.ended_percent)
    host_percent = min(left, _host_percent(interval))
    beside_percent = ticks_percent(now.companion_ticks - interval.before.companion_ticks, interval.elapsed_s)
    return CoresEvent(
        unix_ns=now.unix_ns,
        busy=busy,
        target=_target_by_core(busy, on_core),
        steal=steal,
        target_percent=round(target_percent, 1),
        others_percent=round(max(0.0, sum(busy) - target_percent - host_percent - beside_percent), 1),
        host_percent=round(host_percent, 1),
        throttled_percent=_throttled_percent(interval),
        elapsed_s=round(interval.elapsed_s, 3),
    )


def _shares(before: CoreTicks | None, now: CoreTicks | None) -> tuple[float, float]:
    """Busy and stolen percent of one core; zero for a core that was offline in between."""
    if before is None or now is None or now.total <= before.total:
        return 0.0, 0.0
    scale = 100 / (now.total - before.total)
    busy = min(100.0, round(scale * max(0, now.busy - before.busy), 1))
    return busy, min(100.0 - busy, round(scale * max(0, now.steal - before.steal), 1))


def _target_by_core(busy: list[float], claimed: list[float]) -> list[float]:
    """The target's part of each core's use.

    A thread's time counts for the core it last ran on. Any excess over that core's use was spent elsewhere, so it is
    spread in proportion over the cores with unclaimed use.
    """
    held = [min(use, claim) for use, claim in zip(busy, claimed, strict=True)]
    free = [use - part for use, part in zip(busy, held, strict=True)]
    moved = min(sum(claimed) - sum(held), sum(free))
    scale = moved / sum(free) if sum(free) > 0 else 0.0
    return [round(part + scale * rest, 1) for part, rest in zip(held, free, strict=True)]


def _host_percent(interval: SampleInterval) -> float:
    earlier = interval.before.host
    return sum(interval.stat_percent(stat, earlier[pid]) for pid, stat in interval.now.host.items() if pid in earlier)


def _throttled_percent(interval: SampleInterval) -> float:
    before, now = interval.before.throttling, interval.now.throttling
    if before is None or now is None or now.periods <= before.periods:
        return 0.0
    return round(100 * (now.throttled - before.throttled) / (now.periods - before.periods), 1)
