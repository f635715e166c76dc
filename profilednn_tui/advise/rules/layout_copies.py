"""Copies that only change how a tensor lies in memory."""

from __future__ import annotations

from profilednn_tui import units
from profilednn_tui.advise.findings import Evidence, Finding, Remedy
from profilednn_tui.advise.rule import PROFILED_MS, Signals, no_operators, self_ms

COPIES = ("aten::contiguous", "aten::clone", "aten::copy_", "aten::_to_copy")
CHANGES = " to "
"""Between the memory formats of a copy."""
STRIDED = "strided"
"""All that recordings of early versions tell."""
COMPUTING = ("forward", "loss", "backward")
LEAST_SHARE = 0.08


class LayoutCopies:
    """Adds up the copies from one memory format to another outside of the optimizer and the loader."""

    name = "layout-copies"

    def missing(self, signals: Signals) -> str:
        return no_operators(signals)

    def look(self, signals: Signals) -> Finding | None:
        rows = signals.operators(
            lambda row: (
                row.key.name in COPIES
                and (CHANGES in row.key.memory_format or row.key.memory_format == STRIDED)
                and (row.phase in COMPUTING or not row.phase)
            )
        )
        account = signals.account
        covered = account.of_operators(rows)
        share = account.share(covered)
        if not rows or share < LEAST_SHARE:
            return None
        where = signals.place(rows[0])
        at = signals.at(rows[0])
        return Finding(
            self.name,
            f"{units.share(share)} of the step copies tensors only to lay them out differently in memory{at}",
            (
                Evidence("self time of such copies", self_ms(rows), PROFILED_MS, where or rows[0].key.name),
                Evidence("copies", sum(row.calls_per_step for row in rows), "per step", "2"),
            ),
            Remedy(
                change=f"Leave out .contiguous(), .permute() and .transpose() around layers{at}, or keep one layout "
                "from the input to the loss."
            ),
            covered,
        )
