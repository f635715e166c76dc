"""An optimizer that updates parameters one operator at a time."""

from __future__ import annotations

from profilednn_tui import units
from profilednn_tui.advise.account import NOTHING
from profilednn_tui.advise.findings import Evidence, Finding, Remedy
from profilednn_tui.advise.rule import PROFILED_MS, Signals, no_operators
from profilednn_tui.advise.rules._denormals import slow_operators
from profilednn_tui.session.view import Operator

LEAST_CALLS_PER_STEP = 10
FUSED = "_fused_"
STEP = "Optimizer.step#"
"""What torch calls an update in its profiles; the class follows."""
UNFUSABLE = frozenset({"LBFGS", "SparseAdam"})
"""Optimizers of torch that have no fused form, nor one for lists of tensors."""
KEPT = 0.15
"""What a fused update still costs, as a fraction of the time of the operators that it replaces: it reads and writes the
same parameters once."""


def _updates(row: Operator) -> bool:
    return row.phase == "optimizer" and row.key.name.startswith("aten::")


class OptimizerUnfused:
    """Counts the operators of the optimizer phase."""

    name = "optimizer-unfused"

    def missing(self, signals: Signals) -> str:
        reason = no_operators(signals)
        if reason or any(row.phase for row in signals.view.operators.rows):
            return reason
        return "this recording does not tell the phase of operators"

    def look(self, signals: Signals) -> Finding | None:
        rows = signals.operators(_updates)
        calls = sum(row.calls_per_step for row in rows)
        if calls < LEAST_CALLS_PER_STEP or any(FUSED in row.key.name for row in rows):
            return None
        if _classes(signals) and UNFUSABLE.issuperset(_classes(signals)):
            return None
        account = signals.account
        slow = slow_operators(signals)
        denormal = slow.covered if slow is not None else NOTHING
        # A fused update computes with the same denormal numbers.
        phase = {part: time_ns - denormal.get(part, 0.0) for part, time_ns in account.of_phase("optimizer").items()}
        covered = {part: time_ns * (1 - KEPT) for part, time_ns in phase.items()}
        heaviest = rows[0]
        return Finding(
            self.name,
            f"The optimizer takes {units.share(account.share(phase))} of the step in {units.count(calls)} separate "
            "operators, each of which reads and writes its tensors again",
            (
                Evidence("operators in the optimizer's update", calls, "calls per step", "2"),
                Evidence("time in the optimizer phase", sum(phase.values()) / 1e6, "ms per step", "1"),
                Evidence(
                    f"self time of {heaviest.key.name}",
                    heaviest.self_ns_per_step / 1e6,
                    PROFILED_MS,
                    heaviest.key.name,
                ),
            ),
            Remedy(("fused_optimizer",), {}),
            covered,
        )


def _classes(signals: Signals) -> set[str]:
    """The classes of the optimizers, where the windows tell."""
    names = (row.key.name for row in signals.view.operators.rows if row.key.name.startswith(STEP))
    return {name.removeprefix(STEP).removesuffix(".step") for name in names}
