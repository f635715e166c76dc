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
STEP, GROUP, COLLECTIVE, BEGAN, ENDED = range(5)
"""Columns of `RankRecord.waits`."""
SLACK_NS = 20_000_000.0
"""A backward pass is known to wait a little after its last bucket was sent, or later if its thread has no core then;
and clocks of two machines are aligned to the duration of a transfer."""
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
    known: Floats
    """The waiting for which all arrivals are known."""


@dataclass(frozen=True, slots=True, eq=False)
class _Arrivals:
    """All waits of all ranks for collectives that are known: columns with one entry for each wait."""

    place: Integers
    """Of the rank among the records."""
    step: Integers
    """As its place among the steps of all ranks, one rank after the other."""
    meeting: Integers
    """Number of the collective, among those of all groups."""
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
        place, step, began, ended = (
            column[whole] for column in (arrivals.place, arrivals.step, arrivals.began, arrivals.ended)
        )
        _, meeting = np.unique(arrivals.meeting[whole], return_inverse=True)
        order = np.lexsort((place, began, meeting))
        last_of = order[np.append(np.flatnonzero(np.diff(meeting[order])), len(order) - 1)]
        """Of each meeting, the wait of the rank that came last."""
        last = began[last_of][meeting]
        # Nobody leaves before the last has entered: where one does, the numbers are of different collectives.
        alike = np.bincount(meeting, ended < last - SLACK_NS)[meeting] == 0
        waiting = np.where(alike, np.clip(last - began, 0.0, ended - began), 0.0)
        waiting[last_of] = 0.0
        np.add.at(late, step, waiting)
        np.add.at(known, step, np.where(alike, ended - began, 0.0))
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
    return StepWaits(late, waited - late, caused, np.minimum(known, waited))


def _arrivals(records: Sequence[RankRecord], offsets_ns: Mapping[str, float]) -> _Arrivals:
    there = {record.rank for record in records}
    names: dict[str, int] = {}
    columns: list[tuple[Integers, ...]] = []
    passed = 0
    for place, record in enumerate(records):
        groups = {group.number: names.setdefault(group.name, len(names)) for group in record.groups}
        sizes = {group.number: len(there.intersection(group.ranks)) for group in record.groups}
        waits = record.waits[np.isin(record.waits[:, GROUP], list(groups))]
        waits = waits[np.isin(waits[:, STEP], record.numbers)]
        numbers = waits[:, GROUP].tolist()
        offset = int(offsets_ns.get(clock_of(record), 0.0))
        columns.append((
            np.full(len(waits), place, dtype=np.int64), np.searchsorted(record.numbers, waits[:, STEP]) + passed,
            np.array([groups[number] for number in numbers], dtype=np.int64), waits[:, COLLECTIVE],
            *(waits[:, column] + offset for column in (BEGAN, ENDED)),
            np.array([sizes[number] for number in numbers], dtype=np.int64),
        ))  # fmt: skip
        passed += len(record.numbers)
    place_of, step, name, collective, began, ended, expected = (
        np.concatenate(column) for column in zip(*columns, strict=True)
    )
    first = int(began.min()) if len(began) else 0
    _, meeting = np.unique(np.stack((name, collective)), axis=1, return_inverse=True)
    began_, ended_ = ((column - first).astype(np.float64) for column in (began, ended))
    return _Arrivals(place_of, step, meeting.reshape(-1), began_, ended_, expected)
