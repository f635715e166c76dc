"""Memory that is returned to the system and faulted in again in every step."""

from __future__ import annotations

from profilednn_tui import units
from profilednn_tui.advise.findings import Evidence, Finding, Remedy
from profilednn_tui.advise.rule import Signals, no_steps

LEAST_FAULTS_PER_STEP = 500
LEAST_SYSTEM_SHARE = 0.03
"""Of the process's CPU time."""


class AllocatorFaults:
    """Counts page faults and the time that the kernel spends on the target."""

    name = "allocator-faults"

    def missing(self, signals: Signals) -> str:
        sampled = signals.view.memory.stepping is not None
        return no_steps(signals) or ("" if sampled else "page faults were not sampled while steps ran")

    def look(self, signals: Signals) -> Finding | None:
        stepping, account = signals.view.memory.stepping, signals.account
        if stepping is None:
            return None
        faults = stepping.faults_per_s * account.step_ns / 1e9
        system, user = stepping.system_percent, stepping.user_percent
        in_kernel = system / (system + user) if system + user else 0.0
        if faults < LEAST_FAULTS_PER_STEP or in_kernel < LEAST_SYSTEM_SHARE:
            return None
        covered = account.where(lambda part: part.phase != "data", in_kernel)
        return Finding(
            self.name,
            f"{units.count(faults)} page faults per step: the kernel takes {units.share(in_kernel)} of the CPU time, "
            "mostly to give back and fetch the same memory",
            (
                Evidence("page faults", faults, "per step", "5"),
                Evidence("CPU time in the kernel", system, "percent of one core", "5"),
                Evidence("CPU time in the program", user, "percent of one core", "5"),
            ),
            Remedy(("allocator",), {}),
            covered,
        )
