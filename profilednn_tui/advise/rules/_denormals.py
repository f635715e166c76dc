"""Simple operators that take far longer than their peers because of denormal numbers."""

from __future__ import annotations

from dataclasses import dataclass
from math import prod
from statistics import quantiles

from profilednn_tui.advise.account import Covered
from profilednn_tui.advise.rule import Signals, input_shapes
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


@dataclass(frozen=True, slots=True)
class SlowOperators:
    """Operators that denormal numbers slow down."""

    rows: tuple[Operator, ...]
    """The slowest first."""
    slowest_ns: float
    """Per element, of the first."""
    usual_ns: float
    """Per element, of the quickest simple operators."""
    covered: Covered
    """What they would take less with normal numbers."""


def slow_operators(signals: Signals) -> SlowOperators | None:
    """None if the training thread has met no denormal number, or nothing is slow."""
    conditions = signals.view.conditions
    if conditions is None or not conditions.denormals or conditions.flushes_denormals:
        return None
    rates = {row.key: rate for row in signals.view.operators.rows if (rate := _ns_per_element(row)) is not None}
    usual_ns = min(_quickest_quarter(list(rates.values())), SLOWEST_NORMAL_NS)
    limit_ns = max(SLOWEST_NORMAL_NS, TIMES_SLOWER * usual_ns)
    slow = signals.operators(lambda row: rates.get(row.key, 0.0) > limit_ns)
    if not slow:
        return None
    covered = {
        part: time_ns * (1 - usual_ns / rates[part.operator])
        for part, time_ns in signals.account.of_operators(slow).items()
        if part.operator is not None
    }
    return SlowOperators(slow, rates[slow[0].key], usual_ns, covered)


def _ns_per_element(row: Operator) -> float | None:
    """The time per element of a simple operator on many elements; None for others."""
    name = row.key.name.removeprefix("aten::").rstrip("_")
    elements = max(map(prod, input_shapes(row.key)), default=0) if name in PEERS else 0
    if elements < LEAST_ELEMENTS or not row.calls_per_step:
        return None
    return row.self_ns_per_step / row.calls_per_step / elements


def _quickest_quarter(rates_ns: list[float]) -> float:
    return quantiles(rates_ns, n=4)[0] if len(rates_ns) > 1 else SLOWEST_NORMAL_NS / TIMES_SLOWER
