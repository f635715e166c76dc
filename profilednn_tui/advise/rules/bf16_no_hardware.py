"""bfloat16 on a processor that multiplies faster in float32."""

from __future__ import annotations

from profilednn_tui import units
from profilednn_tui.advise.findings import Evidence, Finding, Remedy
from profilednn_tui.advise.rule import PROFILED_MS, Signals, self_ms
from profilednn_tui.advise.rules._bfloat16 import KEPT, hardware, multiplies_bfloat16, unknown_hardware

LEAST_SHARE = 0.05
IN_FLOAT32 = 0.1
"""What the same products cost in float32 at least, as a fraction, where bfloat16 is imitated."""


class Bf16NoHardware:
    """Adds up the products in bfloat16 where the processor has to imitate it, or was measured to be slower with it."""

    name = "bf16-no-hardware"

    def missing(self, signals: Signals) -> str:
        return unknown_hardware(signals)

    def look(self, signals: Signals) -> Finding | None:
        found = hardware(signals.view)
        if not found.slow:
            return None
        rows, account = signals.operators(multiplies_bfloat16), signals.account
        share = account.share(account.of_operators(rows))
        if share < LEAST_SHARE:
            return None
        heaviest = rows[0]
        where, at = signals.place(heaviest), signals.at(heaviest)
        kept, why = IN_FLOAT32, "for which this processor has no instructions: float32 is faster here"
        hardware_row = Evidence(f"instruction sets for bfloat16, of {', '.join(KEPT)}", 0, "instruction sets", "9")
        if found.ratio is not None and found.instructions is not None:
            kept = 1 / found.ratio
            why = f"which takes {units.ratio(found.ratio)} as long as float32 on this processor ({found.instructions})"
            hardware_row = Evidence("time of a large product in bfloat16, of that in float32", found.ratio, "x")
        return Finding(
            self.name,
            f"{units.share(share)} of the step multiplies in bfloat16, {why}",
            (
                Evidence("self time of products and convolutions in bfloat16", self_ms(rows), PROFILED_MS, "2"),
                Evidence(
                    f"self time of {heaviest.key.name}",
                    heaviest.self_ns_per_step / 1e6,
                    PROFILED_MS,
                    where or heaviest.key.name,
                ),
                hardware_row,
            ),
            Remedy(
                change=f"Stay in float32 on this machine: leave out torch.autocast with torch.bfloat16 and .bfloat16()"
                f"{at}."
            ),
            account.of_operators(rows, 1 - kept),
        )
