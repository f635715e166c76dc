"""The ranks in words, the same wherever they are told."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from profilednn_tui import units
from profilednn_tui.ranks.account import LEAST_KNOWN, Ranks
from profilednn_tui.ranks.ends import Death, Life, lives_of
from profilednn_tui.ranks.straggler import Straggler
from profilednn_tui.session.ending import exit_words
from profilednn_tui.session.frames import short_file
from profilednn_tui.session.view import ProcessEnd, ProcessEntry

MOST_TOLD = 4
"""Ranks that are told one by one."""


def straggler_words(straggler: Straggler) -> str:
    """``rank 2 late by 31 ms in backward (22 % of the step)``."""
    where = f" in {straggler.phase}" if straggler.phase else ""
    because = f", {straggler.cause}" if straggler.cause else ""
    late = units.duration(straggler.late_ns)
    return f"rank {straggler.rank} late by {late}{where} ({units.share(straggler.share)} of the step){because}"


def numbered(ranks: Iterable[int]) -> str:
    """``rank 1``, ``ranks 0 and 1``; of many, ``8 ranks (0 to 11)``."""
    *some, last = sorted(ranks)
    if len(some) > MOST_TOLD:
        return f"{units.count(len(some) + 1)} ranks ({some[0]} to {last})"
    return f"ranks {', '.join(map(str, some))} and {last}" if some else f"rank {last}"


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


def cause_words(death: Death, working_directory: str) -> str:
    """``RuntimeError: out of luck (train.py:52)``, ``killed by SIGKILL (9)``, ``exit code 1``."""
    end = death.end
    if end.error:
        source = end.source
        line = f" ({short_file(source.file, working_directory)}:{source.line})" if source is not None else ""
        return f"{end.error}{line}"
    return exit_words(end.exit_code) if end.exit_code is not None else "killed, but nobody saw by which signal"


def end_words(end: ProcessEnd | None) -> str:
    """How a rank ended, in one or two words: ``RuntimeError``, ``SIGTERM``, ``exit code 1``; empty if unknown."""
    if end is None:
        return ""
    if end.error and end.exit_code != 0:
        return end.error.partition(":")[0].rpartition(".")[2]
    if end.exit_code is None:
        return "ended" if end.said_bye else "killed"
    return exit_words(end.exit_code).removeprefix("killed by ").partition(" (")[0] if end.exit_code else "ended"


def death_words(life: Life, working_directory: str) -> str:
    """``rank 1 died first, after 20 steps: RuntimeError: out of luck (train.py:52); rank 0 followed after 105.0 ms,
    killed by SIGTERM (15)``; empty if no rank died."""
    if not life.first:
        return ""
    some = life.followers[:MOST_TOLD]
    parts = [_first_words(life, working_directory)]
    parts += [_follower_words(death, life.first[0], working_directory) for death in some]
    if len(life.followers) > len(some):
        parts.append(f"{units.count(len(life.followers) - len(some))} more followed")
    return "; ".join(parts)


def life_words(life: Life, working_directory: str) -> str:
    """``first life, 2 ranks, 20 steps: rank 1 died first, ...``."""
    ranks = f"{units.count(life.world_size)} rank{'' if life.world_size == 1 else 's'}"
    about = f"{units.ordinal(life.number)} life, {ranks}, {units.counted(life.steps, 'step')}"
    return ": ".join(filter(None, (about, death_words(life, working_directory))))


def lives_words(processes: Sequence[ProcessEntry], working_directory: str) -> tuple[str, ...]:
    """A sentence for each life of the ranks, oldest first; nothing if there was one and no rank died."""
    lives = lives_of(processes)
    if len(lives) == 1:
        return tuple(filter(None, (death_words(lives[0], working_directory),)))
    return tuple(life_words(life, working_directory) for life in lives)


def _first_words(life: Life, working_directory: str) -> str:
    first, ranks = life.first[0], numbered([death.rank for death in life.first])
    cause, after = cause_words(first, working_directory), f"after {units.counted(first.steps, 'step')}"
    if len(life.first) == 1:
        return f"{ranks} died first, {after}: {cause}" if life.world_size > 1 else f"{ranks} died {after}: {cause}"
    if life.cause_is_known:
        return f"{ranks} died of the same, {after}: {cause}"
    causes = ", ".join(f"rank {death.rank}: {cause_words(death, working_directory)}" for death in life.first)
    return f"{ranks} died, and it is not known which of them first ({causes})"


def _follower_words(death: Death, first: Death, working_directory: str) -> str:
    later_ns = death.end.unix_ns - first.end.unix_ns
    when = f"after {units.duration(later_ns)}" if later_ns > 0 else "at once"
    return f"rank {death.rank} followed {when}, {cause_words(death, working_directory)}"
