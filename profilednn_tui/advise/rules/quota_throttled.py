"""The cgroup's CPU quota stops the target."""

from __future__ import annotations

from profilednn_tui import units
from profilednn_tui.advise.findings import Evidence, Finding, Remedy
from profilednn_tui.advise.rule import Signals, no_samples

LEAST_PERCENT = 1.0


class QuotaThrottled:
    """Reads the kernel's count of periods in which the quota was used up."""

    name = "quota-throttled"

    def missing(self, signals: Signals) -> str:
        return no_samples(signals)

    def look(self, signals: Signals) -> Finding | None:
        throttled, quota = signals.view.cores.mean_throttled_percent or 0.0, signals.view.machine.quota
        if throttled < LEAST_PERCENT:
            return None
        processes = signals.training_processes
        threads = (signals.view.target.intra_op_threads or 1) * processes
        running = min(threads, signals.allowed_cpus or threads)
        stopped = throttled / 100
        if quota is not None and running > quota:
            # That many threads use up the quota early in the period and stand still for the rest of it.
            stopped *= 1 - quota / running
        size = f" of {quota:g} core{'' if quota == 1 else 's'}" if quota is not None else ""
        return Finding(
            self.name,
            f"The container's CPU quota{size} is used up in {units.percent(throttled)} of its periods: all threads "
            "then stand still until the next one",
            (
                Evidence("periods in which the quota was used up", throttled, "percent", "3"),
                *([Evidence("CPU quota", quota, "cores", "9")] if quota is not None else []),
                Evidence("intra-op threads", threads, "threads", "9"),
            ),
            _remedy(quota, threads, processes),
            signals.account.everywhere(stopped),
        )


def _remedy(quota: float | None, threads: int, processes: int) -> Remedy:
    if quota is not None and threads > max(1.0, quota):
        return Remedy((), {"OMP_NUM_THREADS": str(max(1, int(quota) // processes))})
    # Threads within the quota are not what uses it up: workers or other processes of the container are.
    return Remedy(change="Ask for a larger CPU quota, or run fewer DataLoader workers and other processes beside it.")
