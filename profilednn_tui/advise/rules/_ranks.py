"""What rules on ranks compare, and why they cannot tell."""

from __future__ import annotations

from profilednn_tui.advise.account import NOTHING, Covered
from profilednn_tui.advise.rule import Signals
from profilednn_tui.protocol.vocabulary import COMMUNICATION
from profilednn_tui.ranks.account import Ranks, ranks_of
from profilednn_tui.ranks.straggler import FEWEST_STEPS
from profilednn_tui.ranks.words import doubt
from profilednn_tui.session.view import ProcessEntry

ALONE = "only one rank trains here"


def ranks(signals: Signals) -> Ranks:
    """The account of all ranks."""
    return ranks_of(signals.view.ranks)


def trained_ranks(signals: Signals) -> list[ProcessEntry]:
    """The ranks that train at the same time here, in their order."""
    ranks = [(process.rank, process) for process in signals.training if process.rank is not None]
    return [process for _, process in sorted(ranks, key=lambda pair: pair[0])]


def of_late(signals: Signals, rank: int, share: float) -> Covered:
    """So large a share of the step, by which a rank is late. Seen from another rank, its waiting can be won; the late
    rank itself has as much too much of its own work."""
    if signals.view.target.rank == rank:
        return signals.account.where(lambda part: part.phase != COMMUNICATION, share)
    return of_waiting(signals, share)


def of_waiting(signals: Signals, share: float) -> Covered:
    """So large a share of the step, out of the time in which the rank waits for others."""
    account = signals.account
    waiting = account.of_phase(COMMUNICATION)
    whole = account.share(waiting)
    return account.of_phase(COMMUNICATION, min(1.0, share / whole)) if whole else NOTHING


def no_ranks(signals: Signals) -> str:
    """The reason of rules that compare ranks; empty if they can."""
    if len(trained_ranks(signals)) < 2:
        return ALONE
    found = ranks(signals)
    if len(found.rows) < 2 or min(row.count for row in found.rows) < FEWEST_STEPS:
        return "the ranks have too few steps, or no recorded process group"
    return doubt(found)
