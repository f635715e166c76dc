"""Memory of the process tree."""

from __future__ import annotations

from dataclasses import replace

import pytest

from profilednn_tui.collect import memory, procfs
from profilednn_tui.collect.interval import SampleInterval
from tests.unit.collect.samples import process, sample, thread


def test_memory_is_of_the_main_process_and_the_others_apart() -> None:
    before = sample(process(5, {5: thread(0)}, faults=100, pages=10), second=1)
    worker = process(6, {6: thread()}, parent=5, pages=7)
    now = sample(process(5, {5: thread(50)}, faults=300, pages=12), worker, second=3)
    event = memory.measure(SampleInterval(before, now))
    assert event is not None
    assert event.rss_bytes == 12 * procfs.PAGE_BYTES
    assert event.workers_rss_bytes == 7 * procfs.PAGE_BYTES
    assert (event.minor_faults_per_s, event.user_percent, event.system_percent) == (100.0, 25.0, 0.0)


@pytest.mark.parametrize(("pages", "exiting"), [(0, False), (3, True)])
def test_a_process_that_is_ending_has_no_memory_to_show(pages: int, exiting: bool) -> None:
    """Issue 18: the last sample of an ended process was 0 bytes."""
    before = sample(process(5, {5: thread()}, pages=10), second=1)
    ending = process(5, {5: thread()}, pages=pages)
    now = sample(replace(ending, stat=replace(ending.stat, exiting=exiting)), second=2)
    assert memory.measure(SampleInterval(before, now)) is None


def test_a_main_process_that_has_just_been_found_has_no_rates_yet() -> None:
    before = sample(process(5, {5: thread()}), second=1)
    assert memory.measure(SampleInterval(before, sample(process(6, {6: thread()}), second=2))) is None
