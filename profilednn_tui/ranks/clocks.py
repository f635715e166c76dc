"""What to add to the clocks of other machines so that times of all ranks can be compared.

All ranks leave a collective at about the same time: the difference of the times at which they do is that of their
clocks, up to the duration of a transfer. As nobody leaves before all have entered, it is bounded on both sides.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from profilednn_tui.ranks.waits import BEGAN, COLLECTIVE, ENDED, GROUP, clock_of
from profilednn_tui.session.view import RankRecord

FASTEST = 0.25
"""The part of the collectives that the offset is taken from: those after whose last arrival both ranks go on soonest.
In others, one of them had to wait for a core as well."""
MOST_EXCEPTIONS = 0.1
"""Of the collectives that may be inconsistent with a bound: a few are left early, see `waits.SLACK_NS`."""


_Times = dict[tuple[str, int], tuple[int, int]]


@dataclass(frozen=True, slots=True)
class ClockOffset:
    """The clock of another machine against that of the first rank."""

    clock: str
    """As in `Group.clock`."""
    host: str
    ns: float
    """What to add to its times."""
    bound_ns: float
    """How far that may be off."""
    collectives: int
    """How many common collectives it was taken from."""


def clock_offsets(records: Sequence[RankRecord]) -> tuple[ClockOffset, ...]:
    """One for each clock but that of the first record, if it has collectives in common with it."""
    reference = clock_of(records[0])
    if len(set(map(clock_of, records))) == 1:
        return ()
    by_clock: dict[str, list[tuple[RankRecord, _Times]]] = {}
    for record in records:
        by_clock.setdefault(clock_of(record), []).append((record, _times(record)))
    mine = [times for _, times in by_clock.pop(reference)]
    found = []
    for theirs in by_clock.values():
        offsets = (_offset(here, record, there) for here in mine for record, there in theirs)
        best = max(offsets, key=lambda offset: offset.collectives)
        if best.collectives:
            found.append(best)
    return tuple(found)


def unix_shifts(records: Sequence[RankRecord]) -> dict[int, int]:
    """What to add to the Unix times of each rank, by `RankRecord.key`, to have those of the first rank's machine.

    Nothing where that is not known: machines keep their Unix clocks alike by themselves.
    """
    if len(records) < 2:
        return {}
    offsets = {offset.clock: offset.ns for offset in clock_offsets(records)}
    reference = _since_epoch_ns(records[0])
    shifts = {}
    for record in records:
        since_ns, clock = _since_epoch_ns(record), clock_of(record)
        if clock in offsets and since_ns is not None and reference is not None:
            shifts[record.key] = round(offsets[clock] + reference - since_ns)
    return shifts


def _since_epoch_ns(record: RankRecord) -> int | None:
    return record.groups[0].since_epoch_ns if record.groups else None


def _offset(here: _Times, other: RankRecord, there: _Times) -> ClockOffset:
    common = sorted(here.keys() & there.keys())
    host = other.groups[0].host if other.groups else ""
    if not common:
        return ClockOffset(clock_of(other), host, 0.0, np.inf, 0)
    (began, ended), (their_began, their_ended) = (
        np.array([times[key] for key in common], dtype=np.float64).T for times in (here, there)
    )
    apart = ended - their_ended
    estimate = float(np.median(apart))
    last = np.maximum(began, their_began + estimate)
    delays = ended - last + their_ended + estimate - last
    estimate = float(np.median(apart[delays <= np.quantile(delays, FASTEST)]))
    lowest = float(np.quantile(began - their_ended, 1 - MOST_EXCEPTIONS))
    highest = float(np.quantile(ended - their_began, MOST_EXCEPTIONS))
    bound = max(abs(highest - estimate), abs(estimate - lowest))
    return ClockOffset(clock_of(other), host, estimate, bound, len(common))


def _times(record: RankRecord) -> _Times:
    """When the rank entered and when it went on, by the name of the group and the number of the collective."""
    names = {group.number: group.name for group in record.groups}
    rows = record.waits[np.isin(record.waits[:, GROUP], list(names))]
    return {
        (names[group], collective): (began, ended)
        for group, collective, began, ended in rows[:, (GROUP, COLLECTIVE, BEGAN, ENDED)].tolist()
    }
