"""What to add to the clocks of other machines so that times of all ranks can be compared.

All ranks leave a collective at about the same time: the difference of the times at which they do is that of their
clocks, up to the duration of a transfer.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from profilednn_tui.ranks.waits import COLLECTIVE, ENDED, GROUP, clock_of
from profilednn_tui.session.view import RankRecord


def clock_offsets(records: Sequence[RankRecord]) -> dict[str, float]:
    """Nanoseconds to add, by `Group.clock`; 0 for the clock of the first record, and where nothing is known."""
    reference = records[0]
    offsets = {clock_of(reference): 0.0}
    for record in records[1:]:
        if clock_of(record) not in offsets:
            offsets[clock_of(record)] = _offset_ns(reference, record)
    return offsets


def _offset_ns(reference: RankRecord, other: RankRecord) -> float:
    ended, theirs = _ended(reference), _ended(other)
    common = ended.keys() & theirs.keys()
    return float(np.median([ended[key] - theirs[key] for key in common])) if common else 0.0


def _ended(record: RankRecord) -> dict[tuple[str, int], int]:
    """When the rank went on, by the name of the group and the number of the collective."""
    names = {group.number: group.name for group in record.groups}
    rows = record.waits[np.isin(record.waits[:, GROUP], list(names))]
    return {
        (names[group], collective): ended for group, collective, ended in rows[:, (GROUP, COLLECTIVE, ENDED)].tolist()
    }
