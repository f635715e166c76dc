"""What rules on ranks compare, and why they cannot tell."""

from __future__ import annotations

from profilednn_tui.advise.account import NOTHING, Covered
from profilednn_tui.advise.rule import Signals
from profilednn_tui.protocol.vocabulary import COMMUNICATION
from profilednn_tui.ranks.account import Ranks, ranks_of
from profilednn_tui.ranks.straggler import FEWEST_STEPS
from profilednn_tui.ranks.words import doubt


def ranks(signals: Signals) -> Ranks:
    """The account of all ranks."""
    return ranks_of(signals.view.ranks)


def of_waiting(signals: Signals, share: float) -> Covered:
    """So large a share of the step, out of the time in which the rank waits for others."""
    account = signals.account
    waiting = account.of_phase(COMMUNICATION)
    whole = account.share(waiting)
    return account.of_phase(COMMUNICATION, min(1.0, share / whole)) if whole else NOTHING


def no_ranks(signals: Signals) -> str:
    """The reason of rules that compare ranks; empty if they can."""
    if len({process.rank for process in signals.view.processes if process.rank is not None and process.steps}) < 2:
        return "only one rank trains here"
    found = ranks(signals)
    if len(found.rows) < 2 or min(row.count for row in found.rows) < FEWEST_STEPS:
        return "the ranks have too few steps, or no recorded process group"
    return doubt(found)
