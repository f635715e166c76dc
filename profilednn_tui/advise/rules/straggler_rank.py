"""A rank for which the others wait."""

from __future__ import annotations

from profilednn_tui.advise.findings import Finding
from profilednn_tui.advise.rule import Signals
from profilednn_tui.advise.rules._ranks import no_ranks


class StragglerRank:
    """Abstains: collectives are not timed, and in lockstep the steps of all ranks take equally long."""

    name = "straggler-rank"

    def missing(self, signals: Signals) -> str:
        return no_ranks(signals)

    def look(self, signals: Signals) -> Finding | None:
        return None
