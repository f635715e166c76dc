from __future__ import annotations

from profilednn_tui.collect import threads
from profilednn_tui.collect.interval import SampleInterval
from profilednn_tui.collect.roles import thread_roles
from tests.unit.collect.samples import process, sample, thread


def test_rows_hold_the_busiest_first_with_rates() -> None:
    before = sample(process(5, {5: thread(10, switches=100), 6: thread(0, switches=8)}), second=1)
    now = sample(process(5, {5: thread(30, switches=110), 6: thread(90, core=3, switches=8)}), second=3)
    event = threads.measure(SampleInterval(before, now))
    assert event.count == 2
    assert event.rows == [
        [5, 6, "python", "OpenMP", 45.0, 0.0, 0.0, 3],
        [5, 5, "python", "main", 10.0, 5.0, 2.5, 0],
    ]


def test_only_the_busiest_have_rows_and_all_are_counted() -> None:
    many = {tid: thread(tid - 5) for tid in range(5, 105)}
    idle = {tid: thread() for tid in range(5, 105)}
    event = threads.measure(SampleInterval(sample(process(5, idle), second=1), sample(process(5, many), second=2)))
    assert event.count == 100
    assert [row[1] for row in event.rows] == list(range(104, 40, -1))


def test_roles_follow_names_and_their_inheritance() -> None:
    main = process(
        5,
        {
            5: thread(1000, name="python"),
            6: thread(900, name="python"),
            7: thread(3, name="python"),
            8: thread(100, name="pt_autograd_0"),
            9: thread(90, name="pt_autograd_0"),
            10: thread(5, name="pt_data_pin"),
            11: thread(5, name="profilednn"),
            12: thread(5, name="tqdm"),
        },
    )
    assert thread_roles(sample(main, second=1), main) == {
        5: "main",
        6: "OpenMP",
        7: "other",
        8: "autograd",
        9: "OpenMP",
        10: "DataLoader thread",
        11: "agent",
        12: "other",
    }


def test_a_worker_has_threads_that_feed_its_queues() -> None:
    main = process(5, {5: thread()})
    worker = process(6, {6: thread(50, name="pt_data_worker"), 7: thread(40, name="pt_data_worker")}, parent=5)
    roles = thread_roles(sample(main, worker, second=1), worker)
    assert roles == {6: "DataLoader worker", 7: "DataLoader thread"}


def test_each_rank_has_a_main_thread() -> None:
    first, second = process(5, {5: thread()}), process(6, {6: thread()})
    assert thread_roles(sample(first, second, second=1, agents={5: 0, 6: 1}), second) == {6: "main"}
