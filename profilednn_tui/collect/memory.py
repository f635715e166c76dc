"""The target's memory, page faults, and the split of its time between user and kernel."""

from __future__ import annotations

from profilednn_tui.collect.interval import SampleInterval, between_s, per_s, ticks_percent
from profilednn_tui.protocol.events import MemoryEvent


def measure(interval: SampleInterval) -> MemoryEvent | None:
    """Figures of the main process since the previous sample; None if it was not in that sample, or is about to end:
    then it may already have released its memory."""
    now = interval.now
    main = now.tree.processes.get(now.main_pid) if now.main_pid is not None else None
    earlier = interval.earlier_process(main) if main is not None else None
    if main is None or earlier is None or main.stat.exiting or not main.rss_bytes:
        return None
    stat, past = main.stat, earlier.stat
    elapsed_s, most_percent = between_s(past, stat), interval.most_percent
    return MemoryEvent(
        unix_ns=now.unix_ns,
        rss_bytes=main.rss_bytes,
        workers_rss_bytes=sum(each.rss_bytes for each in now.tree.processes.values() if each is not main),
        peak_rss_bytes=max(now.peak_rss_bytes, main.rss_bytes),
        available_bytes=now.available_bytes,
        minor_faults_per_s=per_s(stat.minor_faults - past.minor_faults, elapsed_s),
        major_faults_per_s=per_s(stat.major_faults - past.major_faults, elapsed_s),
        user_percent=round(min(ticks_percent(stat.user_ticks - past.user_ticks, elapsed_s), most_percent), 1),
        system_percent=round(min(ticks_percent(stat.system_ticks - past.system_ticks, elapsed_s), most_percent), 1),
    )
