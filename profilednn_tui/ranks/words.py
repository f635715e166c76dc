"""The ranks in words, the same wherever they are told."""

from __future__ import annotations

from profilednn_tui import units
from profilednn_tui.ranks.account import LEAST_KNOWN, Ranks
from profilednn_tui.ranks.straggler import Straggler


def straggler_words(straggler: Straggler) -> str:
    """``rank 2 late by 31 ms in backward (22 % of the step)``."""
    where = f" in {straggler.phase}" if straggler.phase else ""
    because = f", {straggler.cause}" if straggler.cause else ""
    late = units.duration(straggler.late_ns)
    return f"rank {straggler.rank} late by {late}{where} ({units.share(straggler.share)} of the step){because}"


def ranks_words(ranks: Ranks) -> str:
    """One line about all ranks: ``4 ranks, rank 2 late by 31 ms in backward (22 % of the step)``."""
    count = f"{units.count(len(ranks.rows))} ranks"
    return f"{count}, {straggler_words(ranks.straggler)}" if ranks.straggler else f"{count}, none late"


def clock_words(ranks: Ranks) -> str:
    """How well the clocks of several machines are aligned; empty for one."""
    told = (f"{clock.host or 'another machine'} to within {units.duration(clock.bound_ns)}" for clock in ranks.clocks)
    words = ", ".join(told)
    return f"clocks aligned by common collectives: {words}" if words else ""


def doubt(ranks: Ranks) -> str:
    """What is not known about who waits for whom, in one sentence; empty if all is known."""
    if ranks.known < LEAST_KNOWN:
        return f"of {units.share(1 - ranks.known)} of the waiting it is not known who came last; it counts as transfer"
    return ""
