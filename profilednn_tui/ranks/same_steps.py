"""The same numbers for the same steps of all ranks: a rank that we attach to counts its steps from then on."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

from profilednn_tui.ranks.waits import STEP, Collective, collectives_of
from profilednn_tui.session.view import RankRecord

AGREE = 0.9
"""The part of the common collectives that have to tell the same difference."""


def with_same_steps(records: Sequence[RankRecord]) -> tuple[RankRecord, ...]:
    """The records numbered as the first one, as their common collectives tell; unchanged where these do not."""
    reference = collectives_of(records[0])
    return (records[0], *(_numbered_as(reference, record) for record in records[1:]))


def _numbered_as(reference: dict[Collective, tuple[int, int, int]], record: RankRecord) -> RankRecord:
    mine = collectives_of(record)
    differences = Counter(reference[name][0] - mine[name][0] for name in mine.keys() & reference.keys())
    if not differences:
        return record
    difference, count = differences.most_common(1)[0]
    if not difference or count < AGREE * differences.total():
        return record
    waits = record.waits.copy()
    waits[:, STEP] += difference
    return replace(record, numbers=record.numbers + difference, waits=waits)
