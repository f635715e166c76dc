"""Arithmetic in double precision."""

from __future__ import annotations

from profilednn_tui import units
from profilednn_tui.advise.findings import Evidence, Finding, Remedy
from profilednn_tui.advise.rule import PROFILED_MS, Signals, no_operators, self_ms

DOUBLE = ("double", "float64", "c10::complex<double>", "complex128")
LEAST_SHARE = 0.05
KEPT = 0.25
"""What float32 still costs at best: half the bytes, twice the numbers per instruction, more where only it is fast."""


class Float64:
    """Adds up the operators whose first tensor has double precision; numbers of Python are tensors without size."""

    name = "float64"

    def missing(self, signals: Signals) -> str:
        return no_operators(signals)

    def look(self, signals: Signals) -> Finding | None:
        rows = signals.operators(lambda row: row.key.dtypes in DOUBLE and not row.key.input_shapes.startswith("[[]"))
        account = signals.account
        share = account.share(account.of_operators(rows))
        if share < LEAST_SHARE:
            return None
        heaviest = rows[0]
        where = signals.place(heaviest)
        at = signals.at(heaviest)
        return Finding(
            self.name,
            f"{units.share(share)} of the step is arithmetic in double precision, for which float32 is enough in most "
            "trainings",
            (
                Evidence("self time of operators in float64", self_ms(rows), PROFILED_MS, "2"),
                Evidence(
                    f"self time of {heaviest.key.name}",
                    heaviest.self_ns_per_step / 1e6,
                    PROFILED_MS,
                    where or heaviest.key.name,
                ),
            ),
            Remedy(change=f"Leave out .double(), dtype=torch.float64 or NumPy's default precision{at}: use float32."),
            account.of_operators(rows, 1 - KEPT),
        )
