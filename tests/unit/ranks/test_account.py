"""The account of ranks: what each does with its steps, and who waits for whom."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from profilednn_tui.ranks.account import FIRST_STEPS, NO_RANKS, ranks_of
from profilednn_tui.ranks.clocks import clock_offsets, unix_shifts
from profilednn_tui.ranks.waits import step_waits
from profilednn_tui.ranks.words import clock_words, doubt, ranks_words
from tests.unit.ranks.records import MS, TRANSFER_NS, USUAL, trained

OWN_MS = sum(USUAL.values())


def test_the_parts_of_a_step_add_up_to_it() -> None:
    found = ranks_of(trained(30, [{}, {"backward": 14.0}, {"data": 2.0}], noise=0.1))
    for row in found.rows:
        assert row.own_ns + row.late_ns + row.transfer_ns == pytest.approx(row.step_ns, rel=1e-9)
        assert sum(row.phases_ns.values()) == pytest.approx(row.own_ns, rel=1e-9)


def test_the_wait_for_a_late_rank_is_charged_to_it() -> None:
    found = ranks_of(trained(30, [{}, {"backward": 14.0}]))
    early, late = found.rows
    assert early.late_ns == pytest.approx(4 * MS)
    assert (early.transfer_ns, late.transfer_ns, late.late_ns) == pytest.approx((TRANSFER_NS, TRANSFER_NS, 0.0))
    assert (early.caused_ns, late.caused_ns) == pytest.approx((0.0, 4 * MS))
    assert (early.own_ns, late.own_ns) == pytest.approx((OWN_MS * MS, (OWN_MS + 4) * MS))


def test_all_that_is_waited_is_caused_by_somebody() -> None:
    records = trained(40, [{}, {}, {"forward": 8.0}], noise=0.2)
    waits = step_waits(records, {})
    waited = sum(one.late.sum() for one in waits)
    caused = sum(one.caused.sum() for one in waits)
    assert waited == pytest.approx(2 * caused), "each causes the mean wait of two others"


def test_clocks_of_machines_are_aligned_by_when_ranks_go_on() -> None:
    apart = trained(30, [{}, {"backward": 14.0}], skew_ns={0: 0, 1: 50 * MS})
    (clock,) = clock_offsets(apart)
    assert clock.host == "node-1"
    assert clock.ns == pytest.approx(-50 * MS)
    assert clock.bound_ns <= 4 * MS + TRANSFER_NS, "from the first arrival until all go on"
    assert clock.collectives == 30
    assert ranks_of(apart).rows[0].late_ns == pytest.approx(4 * MS)
    assert clock_words(ranks_of(apart)).startswith("clocks aligned by common collectives: node-1 to within ")


def test_unix_times_of_another_machine_are_shifted_by_what_its_unix_clock_is_ahead() -> None:
    apart = trained(30, [{}, {"backward": 14.0}], skew_ns={0: 0, 1: 50 * MS})
    ahead_ns = 7 * MS
    since = (1_000 * MS, 1_000 * MS + ahead_ns - 50 * MS)
    told = [
        replace(one, groups=(replace(one.groups[0], since_epoch_ns=ns),)) for one, ns in zip(apart, since, strict=True)
    ]
    shifts = unix_shifts(told)
    assert list(shifts) == [apart[1].key]
    assert shifts[apart[1].key] == pytest.approx(-ahead_ns)


def test_unix_times_are_left_alone_where_the_difference_is_not_known() -> None:
    assert unix_shifts(trained(30, [{}, {}], skew_ns={0: 0, 1: 50 * MS})) == {}
    assert unix_shifts(trained(30, [{}, {}])) == {}
    assert unix_shifts(trained(30, [{}])) == {}


def test_the_clock_of_a_machine_without_common_collectives_is_not_known() -> None:
    here, there = trained(30, [{}, {}], skew_ns={0: 0, 1: 50 * MS})
    assert clock_offsets((here, replace(there, waits=there.waits[:0]))) == ()


def test_a_rank_of_which_nothing_was_recorded_leaves_the_wait_unexplained() -> None:
    early, late = trained(30, [{}, {"backward": 14.0}])
    found = ranks_of((early, replace(late, waits=late.waits[:0])))
    assert found.rows[0].late_ns == 0.0
    assert found.rows[0].transfer_ns == pytest.approx(5 * MS)
    assert doubt(found).startswith("of 100 % of the waiting it is not known who came last")


def test_profiled_steps_and_the_first_ones_do_not_count() -> None:
    records = trained(30, [{}, {}])
    for record in records:
        record.flags[20] = 1
        record.durations[20] = 10**12
        record.durations[:FIRST_STEPS] = 10**12
    assert all(row.step_ns < 10**9 for row in ranks_of(records).rows)


def test_one_rank_is_no_account() -> None:
    assert ranks_of(trained(30, [{}])) is NO_RANKS
    assert ranks_of(()) is NO_RANKS


def test_words() -> None:
    late = ranks_of(trained(30, [{}, {}, {"backward": 20.0}]))
    assert ranks_words(late) == "3 ranks, rank 2 late by 10.0 ms in backward (32 % of the step)"
    assert ranks_words(ranks_of(trained(30, [{}, {}]))) == "2 ranks, none late"


def test_steps_that_were_told_in_other_numbers_are_left_out() -> None:
    """A rank may be attached to later than others."""
    early, late = trained(40, [{}, {"backward": 14.0}])
    kept = slice(15, None)
    late = replace(
        late,
        numbers=np.arange(16, 41),
        durations=late.durations[kept],
        phases=late.phases[kept],
        flags=late.flags[kept],
        ends=late.ends[kept],
        times=late.times[kept],
    )
    found = ranks_of((early, late))
    assert found.straggler is not None
    assert found.straggler.rank == 1
