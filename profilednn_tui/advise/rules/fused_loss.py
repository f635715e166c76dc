"""A focal loss that runs as many operators over all anchors and classes."""

from __future__ import annotations

from profilednn_tui import units
from profilednn_tui.advise.findings import Evidence, Finding, Remedy
from profilednn_tui.advise.rule import Signals, no_operators
from profilednn_tui.session.view import Operator, Stack

FUNCTION = "sigmoid_focal_loss"
LEAST_SHARE = 0.03
KEPT = 0.15
"""What one fused operator still costs at least."""


def _in_loss(stack: Stack) -> bool:
    return any(frame.function == FUNCTION for frame in (*stack.forward_frames, *stack.frames))


class FusedLoss:
    """Looks for torchvision's sigmoid focal loss in the call stacks."""

    name = "fused-loss"

    def missing(self, signals: Signals) -> str:
        reason = no_operators(signals)
        return reason or ("" if signals.view.operators.stacks else "operators were recorded without call stacks")

    def look(self, signals: Signals) -> Finding | None:
        fractions = {row.key: _fraction(row) for row in signals.view.operators.rows}
        account = signals.account
        covered = {
            part: time_ns * fractions[part.operator] * (1 - KEPT)
            for part, time_ns in account.parts.items()
            if part.operator is not None and fractions.get(part.operator)
        }
        share = account.share(covered)
        if share < LEAST_SHARE:
            return None
        rows = [row for row in signals.view.operators.rows if fractions[row.key]]
        calls = sum(row.calls_per_step * fractions[row.key] for row in rows)
        loss_ms = sum(row.self_ns_per_step * fractions[row.key] for row in rows) / 1e6
        return Finding(
            self.name,
            f"The focal loss and its gradient take {units.share(share / (1 - KEPT))} of the step in "
            f"{units.count(calls)} separate operators over all anchors and classes",
            (
                Evidence("self time of the focal loss and its gradient", loss_ms, "ms per step", "1"),
                Evidence("its operators", calls, "calls per step", "2"),
            ),
            Remedy(("fused_focal_loss",), {}),
            covered,
        )


def _fraction(row: Operator) -> float:
    """The part of an operator's self time that belongs to the loss."""
    if not row.self_ns_per_step:
        return 0.0
    inside = sum(stack.self_ns_per_step for stack in row.stacks if _in_loss(stack))
    return min(1.0, inside / row.self_ns_per_step)
