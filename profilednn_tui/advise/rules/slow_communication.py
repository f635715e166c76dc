"""Time that ranks spend on exchanging gradients."""

from __future__ import annotations

from profilednn_tui import units
from profilednn_tui.advise.findings import Evidence, Finding, Remedy
from profilednn_tui.advise.rule import Signals
from profilednn_tui.advise.rules._ranks import no_ranks, of_waiting, ranks

LEAST_SHARE = 0.05


class SlowCommunication:
    """Looks at the waiting that is left when all ranks have entered a collective."""

    name = "slow-communication"

    def missing(self, signals: Signals) -> str:
        return no_ranks(signals)

    def look(self, signals: Signals) -> Finding | None:
        rows = ranks(signals).rows
        # The rank that waits least for others shows what the transfer takes alone.
        fastest = min(rows, key=lambda row: row.transfer_ns / row.step_ns)
        share = fastest.transfer_ns / fastest.step_ns
        if share < LEAST_SHARE:
            return None
        return Finding(
            self.name,
            f"Exchanging gradients takes {units.share(share)} of the step on all {units.count(len(rows))} ranks, when "
            "all of them have arrived and nothing is left to compute",
            (
                Evidence("transfer that nothing overlaps", fastest.transfer_ns / 1e6, "ms per step"),
                Evidence("own work", fastest.own_ns / 1e6, "ms per step"),
            ),
            Remedy(
                change="Exchange less often or less: a larger batch per rank, model.no_sync() for all but one of "
                "several backward passes, a communication hook that compresses, or fewer ranks with more threads "
                "each; over a network, see that GLOO_SOCKET_IFNAME names the fast interface."
            ),
            of_waiting(signals, share),
        )
