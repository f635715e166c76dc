"""Time that ranks spend on exchanging gradients."""

from __future__ import annotations

from profilednn_tui.advise.findings import Finding
from profilednn_tui.advise.rule import Signals
from profilednn_tui.advise.rules._ranks import no_ranks


class SlowCommunication:
    """Abstains: the time in collectives is not told from the wait for the last rank."""

    name = "slow-communication"

    def missing(self, signals: Signals) -> str:
        return no_ranks(signals)

    def look(self, signals: Signals) -> Finding | None:
        return None
