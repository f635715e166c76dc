"""The lives of a training, and how each ended: which rank died first, of what, and which followed it.

A rank that dies takes the others with it: their collectives fail, or the launcher ends them. The cause is in the first.
"""

from __future__ import annotations

import re
import signal
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from profilednn_tui.session.ending import was_killed
from profilednn_tui.session.view import ProcessEnd, ProcessEntry

_LOST = re.compile(
    r"connection (closed|reset|refused|aborted|lost)|broken pipe|timed out|timeout|pair closure|remote (peer|process)",
    re.IGNORECASE,
)
"""What exceptions say where another rank is gone."""
_ENDED = frozenset({-signal.SIGTERM, -signal.SIGINT})
"""How launchers end the other ranks."""


@dataclass(frozen=True, slots=True)
class Death:
    """A rank that ended otherwise than it should."""

    rank: int
    pid: int
    steps: int
    """That it had made."""
    end: ProcessEnd

    @property
    def cause(self) -> str | int | None:
        """The exception, the signal or the exit code; None if unknown."""
        return self.end.error or self.end.exit_code

    @property
    def follows(self) -> bool:
        """Whether it is one of those that the death of another rank brings about."""
        return bool(_LOST.search(self.end.error)) if self.end.error else self.end.exit_code in _ENDED


@dataclass(frozen=True, slots=True)
class Life:
    """The ranks that trained at the same time."""

    number: int
    """From 1."""
    world_size: int
    """How many ranks there were; where no process tells, how many were seen."""
    steps: int
    """The most that one of them made."""
    running: int
    """How many of them have not ended."""
    first: tuple[Death, ...] = ()
    """The rank that died first; several if they died of the same, or if it is not known which of them was first."""
    followers: tuple[Death, ...] = ()
    """Those that died after it, in the order of time."""

    @property
    def cause_is_known(self) -> bool:
        """Whether all that may have died first died of the same."""
        return len({death.cause for death in self.first}) == 1


def lives_of(processes: Iterable[ProcessEntry]) -> tuple[Life, ...]:
    """The lives of the ranks of a session, oldest first; empty if it has no ranks."""
    ranks = [entry for entry in processes if entry.rank is not None and (entry.steps or entry.end is not None)]
    numbers = sorted({entry.life for entry in ranks})
    return tuple(_life(number, [entry for entry in ranks if entry.life == number]) for number in numbers)


def last_death(lives: Sequence[Life]) -> Life | None:
    """The newest life in which a rank died; None if none did."""
    return next((life for life in reversed(lives) if life.first), None)


def _life(number: int, entries: Sequence[ProcessEntry]) -> Life:
    deaths = [
        Death(entry.rank, entry.pid, entry.steps, entry.end)
        for entry in entries
        if entry.rank is not None and entry.end is not None and _died(entry.end)
    ]
    deaths.sort(key=lambda death: (death.end.unix_ns, death.rank))
    first = _first(deaths)
    return Life(
        number=number,
        world_size=max(entry.world_size or 0 for entry in entries) or len(entries),
        steps=max(entry.steps for entry in entries),
        running=sum(not entry.ended for entry in entries),
        first=first,
        followers=tuple(death for death in deaths if death not in first),
    )


def _died(end: ProcessEnd) -> bool:
    """Whether a process ended otherwise than it should."""
    if end.exit_code is not None:
        return end.exit_code != 0
    return bool(end.error) or not end.said_bye


def _first(deaths: Sequence[Death]) -> tuple[Death, ...]:
    """Those that may have been the first: nobody has seen them running after another one had died, and their death is
    not of the kind that follows. A process that is killed closes its connections before its end is reported."""
    if not deaths:
        return ()
    earliest_ns = min(death.end.unix_ns for death in deaths)
    early = [death for death in deaths if death.end.alive_unix_ns <= earliest_ns]
    maybe = [death for death in early if not death.follows] or early
    if len(maybe) == 1:
        # Where all fail in the same call, or are ended from outside, the milliseconds between them mean nothing.
        alike = [death for death in deaths if death.cause == maybe[0].cause]
        if maybe[0].end.error or (was_killed(maybe[0].end.exit_code) and len(alike) == len(deaths)):
            return tuple(alike)
    return tuple(maybe)
