"""Arithmetic with denormal numbers, which many processors do in slow microcode."""

from __future__ import annotations

from profilednn_tui import units
from profilednn_tui.advise.findings import Evidence, Finding, Remedy
from profilednn_tui.advise.rule import PROFILED_MS, Signals, no_operators, self_ms
from profilednn_tui.advise.rules._denormals import slow_operators

LEAST_SHARE = 0.02


class Denormals:
    """Needs both: a denormal number has occurred, and simple operators take far longer than their peers."""

    name = "denormals"

    def missing(self, signals: Signals) -> str:
        conditions = signals.view.conditions
        if conditions is None or conditions.denormals is None:
            return no_operators(signals) or "the processor's denormal flag was not read"
        return no_operators(signals)

    def look(self, signals: Signals) -> Finding | None:
        found = slow_operators(signals)
        if found is None:
            return None
        share = signals.account.share(found.covered)
        if share < LEAST_SHARE:
            return None
        slowest = found.rows[0]
        slower = units.count(found.slowest_ns / found.usual_ns)
        return Finding(
            self.name,
            f"Denormal numbers: {slowest.key.name}{signals.at(slowest)} takes {slower} times as long per element as "
            f"other simple operators, and such operators take {units.share(share)} of the step",
            (
                Evidence("the training thread has met denormal numbers (MXCSR)", 1, "flag"),
                Evidence(f"time of {slowest.key.name}", found.slowest_ns, "ns per element", slowest.key.name),
                Evidence("time of the quickest simple operators", found.usual_ns, "ns per element", "2"),
                Evidence("self time of slow simple operators", self_ms(found.rows), PROFILED_MS, "2"),
            ),
            Remedy(("flush_denormals",)),
            found.covered,
        )
