"""Primitives for which oneDNN has no optimized code."""

from __future__ import annotations

from profilednn_tui import units
from profilednn_tui.advise.findings import Evidence, Finding, Remedy
from profilednn_tui.advise.rule import Signals
from profilednn_tui.advise.rules._primitives import covered_by, no_primitives, per_step_ms, uses

LEAST_SHARE = 0.02
KEPT = 0.1
"""What optimized code still costs at least, as a fraction of the reference loops' time."""


class ReferenceKernels:
    """Adds up the primitives that ran oneDNN's reference loops."""

    name = "reference-kernels"

    def missing(self, signals: Signals) -> str:
        return no_primitives(signals)

    def look(self, signals: Signals) -> Finding | None:
        slow = uses(signals, lambda use: use.primitive.is_reference)
        covered = covered_by(signals, lambda use: use.primitive.is_reference, 1 - KEPT)
        share = signals.account.share(covered)
        if not slow or share < LEAST_SHARE:
            return None
        heaviest = slow[0].primitive
        kind = f"{heaviest.name} {heaviest.direction}".strip()
        return Finding(
            self.name,
            f"oneDNN has no optimized code for {kind} of this shape and type and runs its reference loops, "
            f"{units.share(share)} of the step",
            tuple(
                Evidence(
                    f"{use.primitive.name} {use.primitive.direction} {use.primitive.problem} as "
                    f"{use.primitive.implementation}",
                    per_step_ms(signals, use),
                    "ms per step",
                    "d",
                )
                for use in slow[:4]
            ),
            Remedy(
                change=f"Change what makes {kind} unusual: its data type, its layout, or odd sizes, groups, dilations."
            ),
            covered,
        )
