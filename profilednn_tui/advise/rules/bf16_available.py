"""Products in float32 on a processor that is faster in bfloat16."""

from __future__ import annotations

from profilednn_tui import units
from profilednn_tui.advise.findings import Evidence, Finding, Remedy
from profilednn_tui.advise.rule import PROFILED_MS, Signals, self_ms
from profilednn_tui.advise.rules._bfloat16 import (
    Hardware,
    hardware,
    is_bfloat16_product,
    multiplies_bfloat16,
    multiplies_float32,
    on_kernel,
    unknown_hardware,
)
from profilednn_tui.advise.rules._primitives import covered_by, per_step_ms, uses
from profilednn_tui.onednn.records import PrimitiveUse

LEAST_SHARE = 0.1


class Bf16Available:
    """Adds up the products in float32; if bfloat16 is on, those that ran without its instructions."""

    name = "bf16-available"

    def missing(self, signals: Signals) -> str:
        return unknown_hardware(signals)

    def look(self, signals: Signals) -> Finding | None:
        found = hardware(signals.view)
        if found.kept is None:
            return None
        if self._is_on(signals):
            return self._tried(signals, found.kept, str(found.instructions))
        return self._untried(signals, found.kept, found)

    @staticmethod
    def _is_on(signals: Signals) -> bool:
        account = signals.account
        share = account.share(account.of_operators(signals.operators(multiplies_bfloat16)))
        return share >= LEAST_SHARE or "bf16" in signals.view.target.optimizations

    def _untried(self, signals: Signals, kept: float, found: Hardware) -> Finding | None:
        rows, account = signals.operators(multiplies_float32), signals.account
        share = account.share(account.of_operators(rows))
        if share < LEAST_SHARE:
            return None
        heaviest = rows[0]
        text = "time of a large product in bfloat16, of that in float32"
        measured = () if found.ratio is None else (Evidence(text, found.ratio, "x"),)
        return Finding(
            self.name,
            f"{units.share(share)} of the step multiplies in float32, and this processor has instructions for bfloat16 "
            f"({found.instructions})",
            (
                Evidence("self time of products and convolutions in float32", self_ms(rows), PROFILED_MS, "2"),
                Evidence(
                    f"self time of {heaviest.key.name}",
                    heaviest.self_ns_per_step / 1e6,
                    PROFILED_MS,
                    signals.place(heaviest) or heaviest.key.name,
                ),
                *measured,
            ),
            Remedy(("bf16",), {}),
            account.of_operators(rows, 1 - kept),
        )

    def _tried(self, signals: Signals, kept: float, found: str) -> Finding | None:
        products = uses(signals, is_bfloat16_product)
        whole_ms = sum(per_step_ms(signals, use) for use in products)
        elsewhere = [use for use in products if not on_kernel(use)]
        elsewhere_ms = sum(per_step_ms(signals, use) for use in elsewhere)

        def chosen(use: PrimitiveUse) -> bool:
            return is_bfloat16_product(use) and not on_kernel(use)

        covered = covered_by(signals, chosen, 1 - kept)
        if not elsewhere or signals.account.share(covered) < LEAST_SHARE / 2:
            return None
        heaviest = elsewhere[0].primitive
        kind = f"{heaviest.name} {heaviest.direction}".strip()
        return Finding(
            self.name,
            f"bfloat16 is on, but only {units.share(1 - elsewhere_ms / whole_ms)} of the time of its products is in "
            f"oneDNN's kernels for it ({found})",
            (
                Evidence("products in bfloat16", whole_ms, "ms per step", "d"),
                Evidence("those without instructions for bfloat16", elsewhere_ms, "ms per step", "d"),
                Evidence(
                    f"the longest: {kind} as {heaviest.implementation}",
                    per_step_ms(signals, elsewhere[0]),
                    "ms per step",
                    "d",
                ),
            ),
            Remedy(
                change=f"Change what keeps {kind} from these kernels: odd numbers of "
                "channels, an unusual layout, or ONEDNN_MAX_CPU_ISA."
            ),
            covered,
        )
