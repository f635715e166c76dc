"""A rank for which the others wait."""

from __future__ import annotations

from profilednn_tui.advise.findings import Evidence, Finding, Remedy
from profilednn_tui.advise.rule import Signals
from profilednn_tui.advise.rules._ranks import no_ranks, of_late, ranks
from profilednn_tui.ranks.account import RankAccount
from profilednn_tui.ranks.straggler import NEIGHBOUR, Straggler
from profilednn_tui.ranks.words import straggler_words


class StragglerRank:
    """Charges the time that ranks wait in collectives to the one that enters them last, if it is always the same."""

    name = "straggler-rank"

    def missing(self, signals: Signals) -> str:
        return no_ranks(signals)

    def look(self, signals: Signals) -> Finding | None:
        found = ranks(signals)
        straggler = found.straggler
        if straggler is None:
            return None
        rows = {row.rank: row for row in found.rows}
        late = rows[straggler.rank]
        others = [row for row in found.rows if row is not late]
        return Finding(
            self.name,
            f"R{straggler_words(straggler)[1:]}: the others wait for it",
            (
                Evidence(f"steps in which rank {straggler.rank} came last", straggler.steps, "steps"),
                Evidence(f"own work of rank {straggler.rank}", late.own_ns / 1e6, "ms per step"),
                Evidence("own work of the others", _mean_own(others) / 1e6, "ms per step"),
                Evidence("waiting of the others for late ranks", _mean_late(others) / 1e6, "ms per step"),
            ),
            Remedy(change=_change(straggler)),
            of_late(signals, straggler.rank, straggler.share),
        )


def _mean_own(rows: list[RankAccount]) -> float:
    return sum(row.own_ns for row in rows) / len(rows)


def _mean_late(rows: list[RankAccount]) -> float:
    return sum(row.late_ns for row in rows) / len(rows)


def _change(straggler: Straggler) -> str:
    rank = f"rank {straggler.rank}"
    if straggler.cause == NEIGHBOUR:
        return f"Give {rank} cores of its own, or move what else runs there: its thread waits for a core."
    if straggler.phase is None:
        return f"See what {rank} does that the others do not: its batches, its machine, its cores."
    return (
        f"See what {rank} does in the phase {straggler.phase} that the others do not: larger batches, work for this "
        "rank alone, or a slower machine."
    )
