"""Convolutions without oneDNN, because the program has switched it off."""

from __future__ import annotations

from profilednn_tui import units
from profilednn_tui.advise.findings import Evidence, Finding, Remedy
from profilednn_tui.advise.rule import PROFILED_MS, Signals, no_operators, self_ms

SERVED = ("conv", "linear", "addmm", "::mm", "lstm", "batch_norm", "pool")
"""Parts of the names of operators that oneDNN would run."""
KEPT = 0.25
"""What oneDNN's own code takes at best, as a fraction of torch's plain loops."""


class MkldnnDisabled:
    """Reads torch's own switch."""

    name = "mkldnn-disabled"

    def missing(self, signals: Signals) -> str:
        return no_operators(signals) or ("" if signals.view.conditions else "torch's switches were not read")

    def look(self, signals: Signals) -> Finding | None:
        conditions = signals.view.conditions
        if conditions is None or conditions.onednn:
            return None
        rows = signals.operators(lambda row: any(part in row.key.name for part in SERVED))
        account = signals.account
        share = account.share(account.of_operators(rows))
        evidence = [Evidence("torch.backends.mkldnn.enabled is False in step", conditions.step, "step", "1")]
        if rows:
            evidence += [
                Evidence("self time of operators that oneDNN would run", self_ms(rows), PROFILED_MS, "2"),
                Evidence(f"self time of {rows[0].key.name}", self_ms(rows[:1]), PROFILED_MS,
                         signals.place(rows[0]) or rows[0].key.name),
            ]  # fmt: skip
        return Finding(
            self.name,
            f"The program has switched oneDNN off: convolutions and other operators that it would run take "
            f"{units.share(share)} of the step",
            tuple(evidence),
            Remedy(
                change="Leave out torch.backends.mkldnn.flags(enabled=False) and torch.backends.mkldnn.enabled = False."
            ),
            account.of_operators(rows, 1 - KEPT),
        )
