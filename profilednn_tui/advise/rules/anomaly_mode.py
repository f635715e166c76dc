"""Autograd's anomaly detection, left on."""

from __future__ import annotations

from profilednn_tui.advise.findings import Evidence, Finding, Remedy
from profilednn_tui.advise.rule import PROFILED_MS, Signals, no_steps, self_ms

CHECKS = frozenset({"isnan", "ne", "any", "is_nonzero", "item", "_local_scalar_dense"})
"""Operators that look for NaN in each gradient."""


class AnomalyMode:
    """Reads torch's own switch."""

    name = "anomaly-mode"

    def missing(self, signals: Signals) -> str:
        return no_steps(signals) or ("" if signals.view.conditions else "torch's switches were not read")

    def look(self, signals: Signals) -> Finding | None:
        conditions = signals.view.conditions
        if conditions is None or not conditions.anomaly_mode:
            return None
        account = signals.account
        checks = signals.operators(
            lambda row: row.phase == "backward" and row.key.name.removeprefix("aten::") in CHECKS
        )
        # Tracebacks are kept between operators.
        between = account.outside(("forward", "loss", "backward"))
        covered = {**between, **account.of_operators(checks)}
        return Finding(
            self.name,
            "Autograd's anomaly detection is on: it keeps a traceback of each operator and looks for NaN in each "
            "gradient",
            (
                Evidence("torch.is_anomaly_enabled() in step", conditions.step, "step", "1"),
                Evidence("operators that look for NaN", self_ms(checks), PROFILED_MS, "2"),
                Evidence("time between operators", sum(between.values()) / 1e6, "ms per step", "1"),
            ),
            Remedy(change="Leave out torch.autograd.set_detect_anomaly(True) and torch.autograd.detect_anomaly()."),
            covered,
        )
