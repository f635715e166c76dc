"""Memory of the process tree."""

from __future__ import annotations

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


def test_a_main_process_that_has_just_been_found_has_no_rates_yet() -> None:
    before = sample(process(5, {5: thread()}), second=1)
    assert memory.measure(SampleInterval(before, sample(process(6, {6: thread()}), second=2))) is None
