"""How long all steps took, in bounded form."""

from __future__ import annotations

import random
from statistics import quantiles

import pytest

from profilednn_tui.protocol.events import StepsEvent
from profilednn_tui.session.model.step_times import KEPT_SLOTS, KEPT_SLOWEST, SLOT_NS, SlotSeries
from profilednn_tui.session.model.steps import StepSeries
from profilednn_tui.session.step_times import StepTimes
from tests.unit.session import recordings as r

MS = 1_000_000


def times(*durations_ns: int, flags: int = 0, first: int = 1) -> StepTimes:
    """Of steps that follow each other."""
    steps, end_unix_ns = StepSeries(), r.START_UNIX_NS
    for number, duration_ns in enumerate(durations_ns, start=first):
        end_unix_ns += duration_ns
        steps.add(StepsEvent(number, [[end_unix_ns, *r.step_row(number, duration_ns, flags)[1:]]]))
    return steps.view().times


def test_quantiles_of_the_histogram_are_those_of_the_durations() -> None:
    chance = random.Random(1)
    durations_ns = [round(chance.lognormvariate(17, 0.4)) for _ in range(5_000)]
    found = times(*durations_ns)
    exact = quantiles(durations_ns, n=100, method="inclusive")
    for part in (5, 25, 50, 75, 95, 99):
        assert found.quantile_ns(part / 100) == pytest.approx(exact[part - 1], rel=0.005)


def test_without_a_plain_step_there_are_no_quantiles() -> None:
    assert StepTimes().quantile_ns(0.5) is None
    assert times(30 * MS, flags=StepsEvent.PROFILED).quantile_ns(0.5) is None


def test_steps_slowed_down_by_a_window_are_left_out_and_counted() -> None:
    steps = StepSeries()
    for number, (duration_ms, flags) in enumerate(
        ((900, StepsEvent.FIRST), (30, 0), (200, StepsEvent.PROFILED), (90, StepsEvent.DISTURBED), (31, 0)), start=1
    ):
        steps.add(r.steps(number, 1, duration_ns=duration_ms * MS, flags=flags))
    found = steps.view().times
    assert (found.plain, found.left_out) == (2, 2)
    assert [step.number for step in found.slowest] == [1, 5, 2], "a slow first step is no work of ours"


def test_the_slowest_steps_of_a_long_run_are_kept_with_what_they_did() -> None:
    found = times(*(10 * MS + number for number in range(1_000)), 90 * MS, *(10 * MS for _ in range(1_000)))
    assert len(found.slowest) == KEPT_SLOWEST
    assert (found.slowest[0].number, found.slowest[0].duration_ns) == (1_001, 90 * MS)
    assert sum(found.slowest[0].phases_ns) == 90 * MS
    assert [step.number for step in found.slowest[1:4]] == [1_000, 999, 998]


def test_a_long_run_of_uneven_steps_stays_bounded() -> None:
    chance = random.Random(2)
    found = times(*(round(10 ** chance.uniform(5, 9)) for _ in range(20_000)))
    assert found.plain == sum(found.counts.values()) == 20_000
    assert len(found.counts) < 13.3 * 256, "four decades"
    assert len(found.slots) == KEPT_SLOTS
    assert len(found.slowest) == KEPT_SLOWEST


def test_what_outliers_take_is_a_part_of_all_time() -> None:
    count, share = times(*[10 * MS] * 90, *[100 * MS] * 10).beyond(20 * MS)
    assert count == 10
    assert share == pytest.approx(1000 / 1900, rel=0.005)


def test_durations_that_cannot_be_do_no_harm() -> None:
    """A recording may be forged."""
    found = times(-5, 0, 10**30)
    assert found.plain == 3
    assert found.quantile_ns(1.0) == pytest.approx(2.0**63, rel=0.01)


def test_a_pause_leaves_no_slots() -> None:
    found = times(SLOT_NS, SLOT_NS, 20 * SLOT_NS, SLOT_NS).slots
    assert [slot.first for slot in found] == [1, 2, 3, 4]
    assert found[2].begin_unix_ns - found[1].begin_unix_ns == 20 * SLOT_NS


def test_a_slot_counts_all_its_steps_and_averages_its_losses() -> None:
    slots = SlotSeries(SLOT_NS, 4)
    for number, loss in enumerate((1.0, 3.0, float("nan"), None), start=7):
        slots.add(number, r.START_UNIX_NS, 300, StepsEvent.PROFILED if number == 8 else 0, loss)
    (slot,) = slots.view()
    assert (slot.first, slot.last, dict(slot.counts), slot.profiled, slot.loss) == (7, 10, {300: 4}, True, 2.0)


def test_a_slot_of_losses_that_are_no_numbers_has_none() -> None:
    slots = SlotSeries(SLOT_NS, 4)
    slots.add(1, r.START_UNIX_NS, 300, 0, float("inf"))
    assert slots.view()[0].loss is None
    for number in (2, 3):
        slots.add(number, r.START_UNIX_NS, 300, 0, 1.7e308)
    assert slots.view()[0].loss is None, "their sum is too large"


def test_short_slots_add_up_to_longer_ones() -> None:
    chance = random.Random(3)
    short, long = SlotSeries(SLOT_NS, 64), SlotSeries(4 * SLOT_NS, 16)
    end_unix_ns = r.START_UNIX_NS
    for number in range(1, 500):
        end_unix_ns += round(SLOT_NS * chance.random() / 8)
        for series in (short, long):
            series.add(number, end_unix_ns, chance.randrange(300, 310) if series is short else 0, 0, 1.0)
    merged = SlotSeries(4 * SLOT_NS, 16)
    for slot in short.view():
        merged.add_slot(slot)
    described = [(slot.begin_unix_ns, slot.first, slot.last, slot.losses) for slot in merged.view()]
    assert described == [(slot.begin_unix_ns, slot.first, slot.last, slot.losses) for slot in long.view()]
    assert [sum(slot.counts.values()) for slot in merged.view()] == [sum(slot.counts.values()) for slot in long.view()]


def test_a_clock_that_was_set_back_goes_on_in_the_newest_slot() -> None:
    slots = SlotSeries(SLOT_NS, 4)
    slots.add(1, r.START_UNIX_NS + 9 * SLOT_NS, 300, 0, None)
    slots.add(2, r.START_UNIX_NS, 300, 0, None)
    (slot,) = slots.view()
    assert (slot.first, slot.last) == (1, 2)
