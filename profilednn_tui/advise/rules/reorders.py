"""Data moved from one layout to another between oneDNN's primitives."""

from __future__ import annotations

from profilednn_tui import units
from profilednn_tui.advise.findings import Evidence, Finding, Remedy
from profilednn_tui.advise.rule import Signals
from profilednn_tui.advise.rules._primitives import covered_by, no_primitives, per_step_ms, uses

LEAST_SHARE = 0.05
CONVOLUTIONS = frozenset(("convolution", "deconvolution"))
"""Primitives whose tensors the optimization lays out differently."""


class Reorders:
    """Adds up oneDNN's reorders."""

    name = "reorders"

    def missing(self, signals: Signals) -> str:
        return no_primitives(signals)

    def look(self, signals: Signals) -> Finding | None:
        moves = uses(signals, lambda use: use.primitive.is_reorder)
        covered = covered_by(signals, lambda use: use.primitive.is_reorder)
        share = signals.account.share(covered)
        if not moves or share < LEAST_SHARE:
            return None
        calls = sum(use.execution.count for use in moves) / len(signals.view.primitives.windows)
        heaviest = moves[0]
        return Finding(
            self.name,
            f"{units.share(share)} of the step moves data from one memory layout to another: {units.count(calls)} "
            "reorders per step",
            (
                Evidence("oneDNN reorders", calls, "per step", "d"),
                Evidence("time in reorders", sum(per_step_ms(signals, use) for use in moves), "ms per step", "d"),
                Evidence(
                    f"the longest: {heaviest.primitive.problem}", per_step_ms(signals, heaviest), "ms per step", "d"
                ),
            ),
            _remedy(signals),
            covered,
        )


def _remedy(signals: Signals) -> Remedy:
    """`channels_last` where there is anything for it to do."""
    if uses(signals, lambda use: use.primitive.name in CONVOLUTIONS):
        return Remedy(("channels_last",), {})
    return Remedy(
        change="Give each call more to do, with a larger batch or longer sequences. No convolution runs here, so "
        "channels_last would change nothing."
    )
