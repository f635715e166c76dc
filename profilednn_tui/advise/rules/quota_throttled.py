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
        fewer = max(1, int(quota)) if quota is not None else 1
        cores = f"{quota:g} cores" if quota is not None else "a quota"
        return Finding(
            self.name,
            f"The container may use {cores} and is stopped in {units.percent(throttled)} of the time for using more",
            (
                Evidence("periods in which the quota was used up", throttled, "percent", "3"),
                *([Evidence("CPU quota", quota, "cores", "9")] if quota is not None else []),
                Evidence("intra-op threads", signals.view.target.intra_op_threads or 0, "threads", "9"),
            ),
            Remedy((), {"OMP_NUM_THREADS": str(fewer)}),
            signals.account.everywhere(throttled / 100),
        )
