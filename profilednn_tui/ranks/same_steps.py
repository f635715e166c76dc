"""The same numbers for the same steps of all ranks: a rank that we attach to counts its steps from then on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from profilednn_tui.ranks.waits import COLLECTIVE, GROUP, STEP, Integers
from profilednn_tui.session.view import RankRecord

AGREE = 0.9
"""The part of the common collectives that have to tell the same difference."""


def with_same_steps(records: Sequence[RankRecord]) -> tuple[RankRecord, ...]:
    """The records numbered as the first one, as their common collectives tell; unchanged where these do not."""
    return (records[0], *(_numbered_as(records[0], record) for record in records[1:]))


def _numbered_as(reference: RankRecord, record: RankRecord) -> RankRecord:
    differences, counts = np.unique(_differences(reference, record), return_counts=True)
    if not len(counts):
        return record
    difference, count = int(differences[np.argmax(counts)]), int(counts.max())
    if not difference or count < AGREE * counts.sum():
        return record
    waits = record.waits.copy()
    waits[:, STEP] += difference
    return replace(record, numbers=record.numbers + difference, waits=waits)


def _differences(reference: RankRecord, record: RankRecord) -> Integers:
    """By how much the number of the step differs, for each collective that both have waited for."""
    found = [np.zeros(0, dtype=np.int64)]
    numbers = {group.name: group.number for group in record.groups}
    for group in reference.groups:
        if group.name in numbers:
            here = reference.waits[reference.waits[:, GROUP] == group.number]
            there = record.waits[record.waits[:, GROUP] == numbers[group.name]]
            _, mine, theirs = np.intersect1d(here[:, COLLECTIVE], there[:, COLLECTIVE], return_indices=True)
            found.append(here[mine, STEP] - there[theirs, STEP])
    return np.concatenate(found)
