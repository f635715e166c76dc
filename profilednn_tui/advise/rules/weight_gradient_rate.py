"""Convolution gradients that run far below the rate of the forward pass."""

from __future__ import annotations

from profilednn_tui import units
from profilednn_tui.advise.findings import Evidence, Finding, Remedy
from profilednn_tui.advise.rule import Signals
from profilednn_tui.advise.rules._primitives import covered_by, in_channels_last, no_primitives, per_step_ms, uses
from profilednn_tui.onednn.records import PrimitiveUse
from profilednn_tui.onednn.work import work_of_uses

SLOW = 0.6
"""Of the forward rate; a gradient is as much arithmetic as the forward pass."""
LEAST_SHARE = 0.05


def _is_convolution(use: PrimitiveUse) -> bool:
    """Whether another memory format is left to try."""
    return use.primitive.name == "convolution" and not in_channels_last(use)


def _is_forward(use: PrimitiveUse) -> bool:
    return _is_convolution(use) and use.primitive.direction.startswith("FWD")


def _is_gradient(use: PrimitiveUse) -> bool:
    return _is_convolution(use) and use.primitive.direction == "BWD_W"


class WeightGradientRate:
    """Compares achieved rates, as in the paper's figure 2; channels_last often has faster gradients."""

    name = "weight-gradient-rate"

    def missing(self, signals: Signals) -> str:
        return no_primitives(signals)

    def look(self, signals: Signals) -> Finding | None:
        gradients = uses(signals, _is_gradient)
        rates = [_gflops(group) for group in (uses(signals, _is_forward), gradients)]
        if not all(rates) or rates[1] >= SLOW * rates[0]:
            return None
        covered = covered_by(signals, _is_gradient, 1 - rates[1] / rates[0])
        if signals.account.share(covered) < LEAST_SHARE:
            return None
        heaviest = gradients[0]
        return Finding(
            self.name,
            f"Weight gradients of convolutions run at {units.ratio(rates[1] / rates[0])} the rate of the forward pass, "
            "though they are as much arithmetic",
            (
                Evidence("forward rate of convolutions", rates[0], "GFLOP/s", "d"),
                Evidence("rate of their weight gradients", rates[1], "GFLOP/s", "d"),
                Evidence(heaviest.primitive.problem, per_step_ms(signals, heaviest), "ms per step", "d"),
            ),
            Remedy(("channels_last",), {}),
            covered,
        )


def _gflops(group: tuple[PrimitiveUse, ...]) -> float:
    work, time_ms = work_of_uses(group)
    return work.flops / time_ms / 1e6 if time_ms else 0.0
