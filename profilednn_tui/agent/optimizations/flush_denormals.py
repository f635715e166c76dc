"""Treats denormal numbers as zero, because processors are many times slower with them."""

from __future__ import annotations

from typing import Any

from . import Missing, Optimization, plural

DENORMAL = 1e-39
PROBE_ELEMENTS = 1 << 20
"""Enough for all of torch's threads to take part."""


class FlushDenormals(Optimization):
    name = "flush_denormals"
    description = "denormal floating-point numbers count as zero, in all of torch's threads"

    def __init__(self, context: Any) -> None:
        super().__init__(context)
        self._flushed: float | None = None
        """Share of a probe's denormal results that were zero; None before the probe."""

    def missing(self) -> Missing | None:
        torch = self.context.torch
        if torch.set_flush_denormal(False):
            return None
        return Missing("this processor cannot flush denormal numbers", "leave it out")

    def begin_torch(self) -> None:
        # The mode is per thread and inherited by the threads it starts; torch's pool has not started yet.
        self.undo.append(lambda: self.torch.set_flush_denormal(False))
        self.torch.set_flush_denormal(True)

    def begin_training(self) -> None:
        torch = self.torch
        with torch.no_grad():
            probe = torch.full((PROBE_ELEMENTS,), DENORMAL).mul_(0.5)
            # As integers: a comparison of floats would flush, too.
            self._flushed = float((probe.view(torch.int32) == 0).float().mean())

    def receipt(self, steps: int) -> str:
        if not self._flushed:
            return ""
        threads = plural(self.torch.get_num_threads(), "thread")
        where = f"all {threads}" if self._flushed == 1 else f"{self._flushed:.0%} of the work"
        return f"denormal results are zero in {where} of torch"

    def no_effect(self) -> str:
        return "no model was trained in this process" if self._flushed is None else "a probe gave denormal results"
