"""Processes besides the main one."""

from __future__ import annotations

from dataclasses import replace

from profilednn_tui.collect import procfs, workers
from profilednn_tui.collect.interval import SampleInterval
from tests.unit.collect.samples import process, sample, thread


def test_workers_are_all_but_the_main_process() -> None:
    main = process(5, {5: thread()})
    loader = replace(process(6, {6: thread(20, name="pt_data_worker", start=150)}, parent=5, pages=1), cpus=1)
    rank = process(7, {7: thread(30, start=150)}, parent=5)
    tool = process(8, {8: thread(start=150)}, parent=5)
    now = sample(main, loader, rank, tool, second=2, agents={7: 1})
    event = workers.measure(SampleInterval(sample(main, second=1), now))
    assert event.rows == [
        [7, "rank 1", 30.0, 0, 0],
        [6, "DataLoader worker", 20.0, procfs.PAGE_BYTES, 1],
        [8, "other", 0.0, 0, 0],
    ]
