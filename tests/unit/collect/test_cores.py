"""Attributing the use of cores to the target or to others."""

from __future__ import annotations

from dataclasses import replace

import pytest

from profilednn_tui.collect import cores
from profilednn_tui.collect.cgroup import Throttling
from profilednn_tui.collect.cores import _target_by_core
from profilednn_tui.collect.interval import SampleInterval
from profilednn_tui.collect.sample import CoreTicks
from profilednn_tui.collect.tree import ProcessTree, ProcessUse
from tests.unit.collect.samples import process, read_at, sample, thread


def test_use_is_split_into_the_target_others_and_ourselves() -> None:
    before = sample(process(5, {5: thread(0, core=1)}), second=1, busy=(0, 0), host=0)
    now = sample(process(5, {5: thread(60, core=1)}), second=2, busy=(100, 80), host=10)
    event = cores.measure(SampleInterval(before, now))
    assert event.busy == [100.0, 80.0]
    assert event.target == [0.0, 60.0]
    assert (event.target_percent, event.host_percent, event.others_percent) == (60.0, 10.0, 110.0)


def test_a_target_that_makes_its_steps_in_turn_with_ours_is_no_disturbance() -> None:
    before = sample(process(5, {5: thread(0, core=1)}), second=1, busy=(0, 0), host=0)
    now = sample(process(5, {5: thread(60, core=1)}), second=2, busy=(100, 80), host=10)
    beside = replace(now, companion_ticks=90)
    assert cores.measure(SampleInterval(before, beside)).others_percent == 20.0


def test_a_new_process_counts_from_its_start() -> None:
    before = sample(process(5, {5: thread()}), second=1, busy=(0,))
    worker = process(6, {6: thread(40, start=150)}, parent=5)
    now = sample(process(5, {5: thread()}), worker, second=2, busy=(50,))
    assert cores.measure(SampleInterval(before, now)).target_percent == 40.0


def test_a_process_that_is_new_to_us_alone_brings_nothing_from_before() -> None:
    before = sample(process(5, {5: thread()}), second=10, busy=(0,))
    adopted = process(6, {6: thread(900, start=20)}, parent=5)
    now = sample(process(5, {5: thread()}), adopted, second=11, busy=(50,))
    assert cores.measure(SampleInterval(before, now)).target_percent == 0.0


def with_children(parent: ProcessUse, ticks: int) -> ProcessUse:
    """The process after children have ended that used some time."""
    return replace(parent, stat=replace(parent.stat, children_ticks=ticks))


def test_children_that_come_and_go_between_two_samples_are_the_targets() -> None:
    """Found with a DataLoader whose workers are started anew in each epoch: they counted as a neighbour."""
    parent = process(5, {5: thread()})
    before = sample(with_children(parent, 300), second=1, busy=(0, 0))
    now = sample(with_children(parent, 380), second=2, busy=(50, 50))
    event = cores.measure(SampleInterval(before, now))
    assert (event.target_percent, event.others_percent) == (80.0, 20.0)


def test_what_an_ended_child_used_before_counts_only_once() -> None:
    parent, worker = process(5, {5: thread()}), process(6, {6: thread(40)}, parent=5)
    before = sample(parent, worker, second=1, busy=(0,))
    now = sample(with_children(parent, 60), second=2, busy=(50,))
    assert cores.measure(SampleInterval(before, now)).target_percent == 20.0


def test_children_of_a_process_that_is_new_to_us_alone_count_no_more() -> None:
    before = sample(process(5, {5: thread()}), second=10, busy=(0,))
    adopted = with_children(process(6, {6: thread(900, start=20)}, parent=5), 700)
    now = sample(process(5, {5: thread()}), adopted, second=11, busy=(50,))
    assert cores.measure(SampleInterval(before, now)).target_percent == 0.0


def test_a_pid_that_was_given_away_is_another_process() -> None:
    before = sample(process(5, {5: thread(500, start=10)}), second=10, busy=(0,))
    now = sample(process(5, {5: thread(30, start=1050)}), second=11, busy=(50,))
    assert cores.measure(SampleInterval(before, now)).target_percent == 30.0


def test_use_is_divided_by_the_time_between_the_reads_of_its_own_counts() -> None:
    """Issue 18: a sampler suspended for a second after reading the processes recorded 33,044 % on 2 cores."""
    busy = process(5, {5: thread(0)})
    before, now = sample(busy, second=1, busy=(0, 0)), sample(process(5, {5: thread(130)}), second=2, busy=(100, 30))
    early = replace(before, monotonic_s=1.99, tree=ProcessTree({5: read_at(busy, 0.7)}))

    event = cores.measure(SampleInterval(early, now))
    assert event.target_percent == 100.0
    assert event.target_percent + event.others_percent <= 200.0


def test_the_target_uses_at_most_what_the_cores_have_and_the_hypervisor_leaves() -> None:
    before = sample(process(5, {5: thread(0)}), second=1, busy=(0, 0))
    now = sample(process(5, {5: thread(150), 6: thread(150)}), second=2)
    stolen = {core: CoreTicks(busy=60, steal=40, total=200) for core in (0, 1)}

    event = cores.measure(SampleInterval(before, replace(now, cores=stolen)))
    assert event.steal == [40.0, 40.0]
    assert (event.target_percent, event.others_percent) == (120.0, 0.0)


def test_a_core_that_was_switched_off_shows_no_use() -> None:
    before = sample(process(5, {5: thread()}), second=1, busy=(0,))
    now = sample(process(5, {5: thread()}), second=2, busy=(10, 50))
    assert cores.measure(SampleInterval(before, now)).busy == [10.0, 0.0]


@pytest.mark.parametrize(
    ("before", "now", "percent"),
    [
        (Throttling(10, 2), Throttling(20, 7), 50.0),
        (Throttling(10, 2), Throttling(10, 2), 0.0),
        (None, Throttling(10, 2), 0.0),
    ],
)
def test_throttling_is_the_share_of_stopped_periods(
    before: Throttling | None, now: Throttling | None, percent: float
) -> None:
    first = sample(process(5, {5: thread()}), second=1, throttling=before)
    second = sample(process(5, {5: thread()}), second=2, throttling=now)
    assert cores.measure(SampleInterval(first, second)).throttled_percent == percent


def test_a_thread_counts_for_the_core_it_ran_on_last() -> None:
    assert _target_by_core([90.0, 10.0], [85.0, 0.0]) == [85.0, 0.0]


def test_what_exceeds_a_core_goes_to_cores_that_nobody_claims() -> None:
    """Four threads on four cores, two of them sampled on one: no core is used up by others (found with the demo)."""
    by_core = _target_by_core([98.0, 88.0, 87.0, 89.0], [90.0, 86.0, 172.0, 0.0])

    assert sum(by_core) == pytest.approx(90 + 86 + 172, abs=0.2)
    assert by_core == pytest.approx([96.9, 87.7, 87.0, 76.4])


def test_the_target_never_holds_more_than_there_is() -> None:
    assert _target_by_core([50.0, 0.0], [100.0, 100.0]) == [50.0, 0.0]
