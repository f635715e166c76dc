"""bfloat16 on a processor without instructions for it."""

from __future__ import annotations

from profilednn_tui import units
from profilednn_tui.advise.findings import Evidence, Finding, Remedy
from profilednn_tui.advise.rule import Signals, self_ms
from profilednn_tui.advise.rules._bfloat16 import KEPT, hardware, multiplies_bfloat16, no_features

LEAST_SHARE = 0.05
IN_FLOAT32 = 0.1
"""What the same products cost in float32 at least, as a fraction."""


class Bf16NoHardware:
    """Adds up the products in bfloat16 where the processor has to imitate it."""

    name = "bf16-no-hardware"

    def missing(self, signals: Signals) -> str:
        return no_features(signals)

    def look(self, signals: Signals) -> Finding | None:
        if hardware(signals.view.machine.features) is not None:
            return None
        rows, account = signals.operators(multiplies_bfloat16), signals.account
        share = account.share(account.of_operators(rows))
        if share < LEAST_SHARE:
            return None
        heaviest = rows[0]
        where, at = signals.place(heaviest), signals.at(heaviest)
        return Finding(
            self.name,
            f"{units.share(share)} of the step multiplies in bfloat16, for which this processor has no instructions: "
            "float32 is faster here",
            (
                Evidence("self time of products and convolutions in bfloat16", self_ms(rows), "ms per step", "2"),
                Evidence(
                    f"self time of {heaviest.key.name}",
                    heaviest.self_ns_per_step / 1e6,
                    "ms per step",
                    where or heaviest.key.name,
                ),
                Evidence(f"instruction sets for bfloat16, of {', '.join(KEPT)}", 0, "instruction sets", "9"),
            ),
            Remedy(
                change=f"Stay in float32 on this machine: leave out torch.autocast with torch.bfloat16 and .bfloat16()"
                f"{at}."
            ),
            account.of_operators(rows, 1 - IN_FLOAT32),
        )
