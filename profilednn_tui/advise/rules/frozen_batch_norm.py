"""Batch norms with fixed statistics that run as several operators each."""

from __future__ import annotations

from profilednn_tui import units
from profilednn_tui.advise.findings import Evidence, Finding, Remedy
from profilednn_tui.advise.rule import PROFILED_MS, Signals, no_operators, self_ms
from profilednn_tui.session.view import Operator

CLASS = "FrozenBatchNorm2d"
LEAST_SHARE = 0.02
KEPT = 2 / 3
"""Of three passes over the activations (a product and a sum forward, a product backward) the fused one makes two."""


class FrozenBatchNorm:
    """Adds up the operators inside of torchvision's frozen batch norms."""

    name = "frozen-batch-norm"

    def missing(self, signals: Signals) -> str:
        return no_operators(signals)

    def look(self, signals: Signals) -> Finding | None:
        paths = {module.path for module in signals.view.operators.modules if module.class_name == CLASS}

        def inside(row: Operator) -> bool:
            return bool(row.modules) and paths.issuperset(row.modules)

        rows = signals.operators(inside) if paths else ()
        account = signals.account
        covered = account.of_operators(rows, 1 - KEPT)
        if not rows or account.share(covered) < LEAST_SHARE:
            return None
        calls = sum(row.calls_per_step for row in rows)
        share = account.share(account.of_operators(rows))
        return Finding(
            self.name,
            f"{units.count(len(paths))} frozen batch norms take {units.share(share)} of the step in "
            f"{units.count(calls)} separate operators",
            (
                Evidence("frozen batch norms", len(paths), "modules", "7"),
                Evidence("self time of their operators", self_ms(rows), PROFILED_MS, "7"),
            ),
            Remedy(("frozen_bn",), {}),
            covered,
        )
