"""Divides each wait for other ranks into what their late arrival takes and what the transfer takes.

After Scalasca's wait state "Wait at N x N": nobody leaves a collective before the last rank has entered it, so the
time until then is a late arrival, charged to that rank, and the rest is the transfer.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from profilednn_tui.protocol.vocabulary import COMMUNICATION, PHASES
from profilednn_tui.session.view import RankRecord

Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]
STEP, GROUP, COLLECTIVE, ENTERED, BEGAN, ENDED = range(6)
"""Columns of `RankRecord.waits`."""
WAITING = PHASES.index(COMMUNICATION)


@dataclass(frozen=True, slots=True, eq=False)
class StepWaits:
    """Of one rank, arrays with an entry for each of its steps, in nanoseconds."""

    late: Floats
    """Waiting for ranks that entered a collective later."""
    transfer: Floats
    """Waiting after the last arrival; and waits of which the last arrival is not known."""
    caused: Floats
    """How long each other rank waited for this one, on average."""
    known: float
    """Share of the waiting for which all arrivals are known; 1 without any waiting."""


@dataclass(frozen=True, slots=True, eq=False)
class _Arrivals:
    """All waits of all ranks for collectives that are known: columns with one entry for each wait."""

    place: Integers
    """Of the rank among the records."""
    step: Integers
    """As its place among the steps of all ranks, one rank after the other."""
    meeting: Integers
    """Number of the collective, among those of all groups."""
    entered: Floats
    began: Floats
    ended: Floats
    expected: Integers
    """How many ranks take part in it."""


def step_waits(records: Sequence[RankRecord], offsets_ns: Mapping[str, float]) -> tuple[StepWaits, ...]:
    """One for each record; `offsets_ns` is what to add to the clock of a machine, by `Group.clock`."""
    arrivals = _arrivals(records, offsets_ns)
    lengths = [len(record.numbers) for record in records]
    late, caused, known = np.zeros(sum(lengths)), np.zeros(sum(lengths)), np.zeros(sum(lengths))
    met = np.bincount(arrivals.meeting)[arrivals.meeting] if len(arrivals.meeting) else arrivals.meeting
    whole = (met == arrivals.expected) & (met > 1)
    if whole.any():
        place, step, entered = arrivals.place[whole], arrivals.step[whole], arrivals.entered[whole]
        began, length = arrivals.began[whole], (arrivals.ended - arrivals.began)[whole]
        _, meeting = np.unique(arrivals.meeting[whole], return_inverse=True)
        order = np.lexsort((place, entered, meeting))
        last_of = order[np.append(np.flatnonzero(np.diff(meeting[order])), len(order) - 1)]
        """Of each meeting, the wait of the rank that came last."""
        waiting = np.clip(entered[last_of][meeting] - began, 0.0, length)
        waiting[last_of] = 0.0
        np.add.at(late, step, waiting)
        np.add.at(known, step, length)
        others = np.maximum(np.bincount(meeting) - 1, 1)
        np.add.at(caused, step[last_of], np.bincount(meeting, waiting) / others)
    ends = np.cumsum(lengths)
    return tuple(
        _of_rank(record, late[end - length : end], caused[end - length : end], known[end - length : end])
        for record, end, length in zip(records, ends, lengths, strict=True)
    )


def clock_of(record: RankRecord) -> str:
    """The name of a rank's clock; empty if unknown."""
    return record.groups[0].clock if record.groups else ""


def _of_rank(record: RankRecord, late: Floats, caused: Floats, known: Floats) -> StepWaits:
    waited = record.phases[:, WAITING].astype(np.float64)
    late = np.minimum(late, waited)
    total = float(waited.sum())
    return StepWaits(late, waited - late, caused, min(1.0, float(known.sum()) / total) if total else 1.0)


def _arrivals(records: Sequence[RankRecord], offsets_ns: Mapping[str, float]) -> _Arrivals:
    there = {record.rank for record in records}
    names: dict[str, int] = {}
    columns: list[tuple[Integers, ...]] = []
    passed = 0
    for place, record in enumerate(records):
        groups = {group.number: group for group in record.groups}
        waits = record.waits[np.isin(record.waits[:, GROUP], list(groups))]
        waits = waits[np.isin(waits[:, STEP], record.numbers)]
        known = [groups[number] for number in waits[:, GROUP].tolist()]
        name = np.array([names.setdefault(group.name, len(names)) for group in known], dtype=np.int64)
        expected = np.array([len(there.intersection(group.ranks)) for group in known], dtype=np.int64)
        offset = int(offsets_ns.get(clock_of(record), 0.0))
        columns.append((
            np.full(len(waits), place, dtype=np.int64), np.searchsorted(record.numbers, waits[:, STEP]) + passed, name,
            waits[:, COLLECTIVE], *(waits[:, column] + offset for column in (ENTERED, BEGAN, ENDED)), expected,
        ))  # fmt: skip
        passed += len(record.numbers)
    place_of, step, name, collective, entered, began, ended, expected = (
        np.concatenate(column) for column in zip(*columns, strict=True)
    )
    first = int(entered.min()) if len(entered) else 0
    _, meeting = np.unique(np.stack((name, collective)), axis=1, return_inverse=True)
    entered_, began_, ended_ = ((column - first).astype(np.float64) for column in (entered, began, ended))
    return _Arrivals(place_of, step, meeting.reshape(-1), entered_, began_, ended_, expected)
