"""Ranks that were attached to one after the other."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from profilednn_tui.ranks.account import ranks_of
from profilednn_tui.ranks.same_steps import with_same_steps
from profilednn_tui.ranks.waits import STEP
from profilednn_tui.session.view import RankRecord
from tests.unit.ranks.records import USUAL, trained


def later(record: RankRecord, steps: int) -> RankRecord:
    """A record that begins so many steps later."""
    waits = record.waits[record.waits[:, STEP] > steps].copy()
    waits[:, STEP] -= steps
    kept = slice(steps, None)
    return replace(
        record,
        count=record.count - steps,
        numbers=np.arange(1, record.count - steps + 1),
        durations=record.durations[kept],
        phases=record.phases[kept],
        flags=record.flags[kept],
        ends=record.ends[kept],
        times=record.times[kept],
        waits=waits,
    )


def test_a_rank_that_is_seen_later_has_the_numbers_of_the_first() -> None:
    first, second = trained(60, [{}, {"backward": USUAL["backward"] + 5.0}])
    shifted = with_same_steps((first, later(second, 20)))[1]
    assert list(shifted.numbers[:2]) == [21, 22]
    found = ranks_of((first, later(second, 20)))
    assert found.known == 1.0
    assert found.straggler is not None
    assert (found.straggler.rank, found.straggler.phase) == (1, "backward")


def test_ranks_that_count_alike_are_left_as_they_are() -> None:
    records = trained(20, [{}, {}])
    assert with_same_steps(records) == records


def test_collectives_that_do_not_agree_change_nothing() -> None:
    first, second = trained(20, [{}, {}])
    waits = second.waits.copy()
    waits[:, STEP] += np.arange(20)
    confused = replace(second, waits=waits)
    assert with_same_steps((first, confused))[1] is confused
