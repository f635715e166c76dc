"""Arithmetic with denormal numbers, which many processors do in slow microcode."""

from __future__ import annotations

from math import prod
from statistics import quantiles

from profilednn_tui import units
from profilednn_tui.advise.findings import Evidence, Finding, Remedy
from profilednn_tui.advise.rule import Signals, input_shapes, no_operators, self_ms
from profilednn_tui.session.view import Operator

PEERS = frozenset({
    "abs", "add", "addcdiv", "addcmul", "clamp_min", "div", "lerp", "maximum", "mul", "neg", "reciprocal", "relu",
    "rsqrt", "rsub", "sqrt", "square", "sub", "threshold_backward",
})  # fmt: skip
"""Operators that take about as long per element as each other, when their numbers are normal."""
LEAST_ELEMENTS = 4_096
"""With fewer, a call costs more than its elements."""
TIMES_SLOWER = 8.0
"""Than the quickest quarter of the peers."""
SLOWEST_NORMAL_NS = 3.0
"""Per element: memory that is not in any cache is faster than that, even for one thread."""
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
        conditions = signals.view.conditions
        if conditions is None or not conditions.denormals or conditions.flushes_denormals:
            return None
        rates = {row.key: rate for row in signals.view.operators.rows if (rate := _ns_per_element(row)) is not None}
        usual_ns = min(_quickest_quarter(list(rates.values())), SLOWEST_NORMAL_NS)
        limit_ns = max(SLOWEST_NORMAL_NS, TIMES_SLOWER * usual_ns)
        slow = signals.operators(lambda row: rates.get(row.key, 0.0) > limit_ns)
        account = signals.account
        covered = {
            part: time_ns * (1 - usual_ns / rates[part.operator])
            for part, time_ns in account.of_operators(slow).items()
            if part.operator is not None
        }
        share = account.share(covered)
        if share < LEAST_SHARE:
            return None
        slowest = slow[0]
        slower = units.count(rates[slowest.key] / usual_ns)
        return Finding(
            self.name,
            f"Denormal numbers: {slowest.key.name}{signals.at(slowest)} takes {slower} times as long per element as "
            f"other simple operators, and such operators take {units.share(share)} of the step",
            (
                Evidence("the training thread has met denormal numbers (MXCSR)", 1, "flag"),
                Evidence(f"time of {slowest.key.name}", rates[slowest.key], "ns per element", slowest.key.name),
                Evidence("time of the quickest simple operators", usual_ns, "ns per element", "2"),
                Evidence("self time of slow simple operators", self_ms(slow), "ms per step", "2"),
            ),
            Remedy(("flush_denormals",)),
            covered,
        )


def _ns_per_element(row: Operator) -> float | None:
    """The time per element of a simple operator on many elements; None for others."""
    name = row.key.name.removeprefix("aten::").rstrip("_")
    elements = max(map(prod, input_shapes(row.key)), default=0) if name in PEERS else 0
    if elements < LEAST_ELEMENTS or not row.calls_per_step:
        return None
    return row.self_ns_per_step / row.calls_per_step / elements


def _quickest_quarter(rates_ns: list[float]) -> float:
    return quantiles(rates_ns, n=4)[0] if len(rates_ns) > 1 else SLOWEST_NORMAL_NS / TIMES_SLOWER
