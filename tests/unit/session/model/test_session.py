"""Events in, one view out."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from profilednn_tui.protocol.events import (
    AgentErrorEvent,
    AttachedEvent,
    DistributedEvent,
    LoadersEvent,
    NoticeEvent,
    OptimizationEvent,
    ProgressEvent,
    StacksEvent,
    StepsEvent,
    ThreadsEvent,
    WorkersEvent,
)
from profilednn_tui.session.model.part import Part
from profilednn_tui.session.model.session import Session
from profilednn_tui.session.view import Frame, Notice, Optimization, State
from tests.unit.session import recordings as r


def session(*events: Any, live: bool = True) -> Session:
    made = Session([Part(r.session_file(), live=live)])
    for event in events:
        made.apply(r.PID, event)
    return made


def progress(**counts: int) -> ProgressEvent:
    return ProgressEvent(**{"batches": 0, "forwards": 0, "backwards": 0, "optimizer_steps": 0, "unix_ns": 1, **counts})


@pytest.mark.parametrize(
    ("events", "state"),
    [
        ([], State.STARTING),
        (r.host_events(), State.STARTING),
        ([r.hello()], State.WAITING),
        ([r.hello(), progress(batches=3)], State.WAITING),
        ([r.hello(), r.training(1)], State.WARMING),
        ([r.hello(), r.training(6), r.window(1)], State.RUNNING),
        ([r.hello(), r.training(6), r.bye()], State.WARMING),
        ([r.hello(), r.training(6), r.bye("detach")], State.ENDED),
        ([r.exit_event(1)], State.ENDED),
        ([r.hello(), r.training(6), r.window(1), r.exit_event(-9)], State.ENDED),
    ],
)
def test_the_state_follows_the_events(events: list[Any], state: State) -> None:
    view = session(*events).view()
    assert view.state is state
    assert view.live is (state is not State.ENDED)


def test_a_target_that_vanished_is_incomplete_and_may_come_back() -> None:
    made = session(r.hello(), r.training(6))
    made.set_gone(0, True)
    assert made.view().state is State.LOST
    assert not made.view().live
    made.set_gone(0, False)
    assert made.view().state is State.WARMING


def test_a_target_that_said_goodbye_ended_even_when_nobody_saw_its_exit_code() -> None:
    made = session(r.hello(), r.training(6), r.bye())
    made.set_gone(0, True)
    assert made.view().state is State.ENDED
    assert made.view().target.exit_code is None


def test_a_recording_without_an_end_is_incomplete() -> None:
    assert session(r.hello(), r.training(6), live=False).view().state is State.LOST


def test_while_waiting_the_view_tells_what_is_known() -> None:
    known = session(r.hello(), progress(batches=3, forwards=2)).view().progress
    assert (known.batches, known.forwards, known.optimizer_steps) == (3, 2, 0)


def test_the_target_is_what_was_started_and_what_said_hello() -> None:
    target = session(r.hello(optimizations=["bf16"]), r.exit_event(3)).view().target
    assert (target.name, target.argv) == ("train", ("train.py", "--lr", "0.1"))
    assert (target.python, target.torch, target.pid) == ("3.11.7", "2.14.1", r.PID)
    assert (target.exit_code, target.optimizations) == (3, ("bf16",))
    assert target.end_unix_ns == r.exit_event().unix_ns


def test_an_unchanged_session_gives_the_same_view() -> None:
    made = session(*r.agent_events())
    assert made.view() is made.view()


def test_only_what_changed_is_rebuilt() -> None:
    made = session(*r.agent_events())
    before = made.view()
    made.apply(r.LAUNCHER_PID, r.cores())
    after = made.view()
    assert after is not before
    assert after.steps is before.steps
    assert after.operators is before.operators


def test_windows_can_be_stepped_through() -> None:
    made = session(*r.agent_events(windows=3))
    assert made.view().window_numbers == (1, 2, 3)
    assert made.view(2).operators.windows == (2,)
    assert made.view().operators.windows == (1, 2, 3)


def test_the_host_events_show() -> None:
    view = session(*r.host_events(), r.workers(), r.exit_event()).view()
    assert (view.machine.cores, view.machine.affinity) == (4, 4)
    assert view.threads[1].role == "autograd"
    assert view.thread_count == 14
    assert view.workers[0].rss_bytes == 210_000_000
    assert view.memory.rss_bytes == 800_000_000
    assert view.memory.peak_rss_bytes == 900_000_000


def test_the_agent_gives_account_of_itself() -> None:
    made = session(*r.agent_events(windows=2), AgentErrorEvent("hooks", "ValueError: 3", 1))
    made.add_bad_lines(2)
    agent = made.view().agent
    assert (agent.windows, agent.budget_percent, agent.overhead_percent) == (2, 2.0, 0.8)
    assert (agent.hooks_percent, agent.windows_percent, agent.writer_percent) == (0.1, 0.6, 0.1)
    assert agent.errors == ("hooks: ValueError: 3",)
    assert agent.bad_lines == 2


def test_before_the_first_account_the_overhead_is_unknown_and_not_zero() -> None:
    agent = session(r.hello()).view().agent
    assert agent.overhead_percent is None
    assert agent.budget_percent == 2.0


def test_a_later_notice_with_the_same_code_replaces_the_earlier() -> None:
    made = session(
        r.hello(),
        NoticeEvent("info", "schedule", "every 10 steps", 1),
        NoticeEvent("warning", "old-torch", "torch 2.3 is too old", 2),
        NoticeEvent("info", "schedule", "every 20 steps", 3),
    )
    assert made.view().notices == (
        Notice("warning", "old-torch", "torch 2.3 is too old"),
        Notice("info", "schedule", "every 20 steps"),
    )


def test_notices_stay_bounded() -> None:
    made = session(*(NoticeEvent("info", f"code-{i}", "text", i) for i in range(500)))
    assert len({notice.code for notice in made.view().notices}) <= 100


def ranks(*stepping: int) -> Session:
    made = Session([Part(r.session_file(), live=True)])
    for rank in (1, 0, 2):
        made.apply(100 + rank, r.hello(pid=100 + rank, rank=rank))
    for rank in stepping:
        made.apply(100 + rank, r.training(5 + rank))
    return made


def test_of_several_ranks_the_lowest_that_steps_is_shown() -> None:
    assert ranks(2, 1).view().target.rank == 1
    assert ranks(2, 1, 0).view().target.rank == 0


def test_without_ranks_the_first_to_step_is_shown() -> None:
    made = Session([Part(r.session_file(), live=True)])
    for pid in (7, 5, 6):
        made.apply(pid, r.hello(pid=pid, unix_ns=pid))
    assert made.view().target.pid == 7
    made.apply(5, r.training(3, first=10))
    made.apply(6, r.training(3))
    assert made.view().target.pid == 6


def test_every_process_is_listed_and_can_be_chosen() -> None:
    made = ranks(2, 1, 0)
    made.apply(102, r.bye())
    assert [(entry.pid, entry.steps, entry.ended) for entry in made.view().processes] == [
        (101, 6, False),
        (100, 5, False),
        (102, 7, True),
    ]
    made.select_process(102)
    assert made.view().target.rank == 2
    assert made.view().steps.count == 7
    made.select_process(999)
    assert made.view().target.rank == 2


def test_a_process_that_called_exec_counts_anew() -> None:
    made = session(r.hello(), r.training(50), r.hello(), r.training(3))
    assert made.view().steps.count == 3


def test_an_event_of_a_process_that_never_said_hello_is_refused() -> None:
    with pytest.raises(ValueError, match="hello"):
        session(r.training(3))


def test_the_newest_facts_about_loaders_count() -> None:
    row = ["Images", 0, 2, 2, 0, 16, 3, 3, 12, 10, 20, 5, 40, "/home/me/train.py", 7]
    alone = ["Images", 0, 0, -1, 0, -1, 1, 0, 4, 1, 2, 3, 4, "", 0]
    assert session(r.hello()).view().loaders == ()
    first, second = session(r.hello(), LoadersEvent([alone], 1), LoadersEvent([row, alone], 2)).view().loaders
    assert (first.workers, first.batches, first.around_ns, first.wait_ns) == (2, 12, 35, 40)
    assert first.source == Frame("/home/me/train.py", 7, "")
    assert (second.prefetch_factor, second.batch_size, second.source) == (None, None, None), "unknown"


@pytest.mark.parametrize("event", [ThreadsEvent(1, 3, [[1, 2]]), WorkersEvent(1, [[1]]), StepsEvent(1, [["x"] * 11])])
def test_rows_that_make_no_sense_are_refused(event: Any) -> None:
    with pytest.raises((ValueError, TypeError)):
        session(r.hello(), event)


def test_the_view_knows_the_time_of_the_newest_event() -> None:
    assert session(r.hello(), r.training(10)).view().unix_ns == r.step_row(10)[0]


def test_the_newest_receipt_of_an_optimization_counts_and_what_was_asked_for_is_there_from_the_start() -> None:
    hello = replace(r.hello(), optimizations=["bf16", "ipex"])
    made = session(hello)
    assert made.view().optimizations == (Optimization("bf16", "asked", ""), Optimization("ipex", "asked", ""))
    made.apply(r.PID, OptimizationEvent("bf16", "on", "3 of 4 layers", 1))
    made.apply(r.PID, OptimizationEvent("ipex", "unavailable", "not installed", 2))
    made.apply(r.PID, OptimizationEvent("bf16", "on", "4 of 4 layers", 3))
    assert made.view().optimizations == (
        Optimization("bf16", "on", "4 of 4 layers"),
        Optimization("ipex", "unavailable", "not installed"),
    )


SECOND = 1_000_000_000


def lives(*born_s: int, died_s: tuple[int, ...] = (), rank: int | None = 0, parent_pid: int = 99) -> Session:
    """Processes of one rank, each with the time at which it starts training and, optionally, of its last event."""
    made = Session([Part(r.session_file(), live=True)])
    for number, second in enumerate(born_s):
        at = r.START_UNIX_NS + second * SECOND
        made.apply(100 + number, r.hello(pid=100 + number, rank=rank, parent_pid=parent_pid, unix_ns=at))
        row = [at + SECOND, *r.step_row(1)[1:]]
        made.apply(100 + number, StepsEvent(1, [row] * (10 * (number + 1))))
        if number < len(died_s):
            made.apply(100 + number, r.status(unix_ns=r.START_UNIX_NS + died_s[number] * SECOND))
    return made


def test_of_a_rank_that_was_restarted_the_newest_life_is_shown() -> None:
    view = lives(0, 20, 40, died_s=(10, 30, 50)).view()

    assert (view.target.pid, view.target.life, view.steps.count) == (102, 3, 30)
    assert [(entry.pid, entry.life, entry.ended, entry.shown) for entry in view.processes] == [
        (100, 1, True, False),
        (101, 2, True, False),
        (102, 3, False, True),
    ]


def test_a_life_is_shown_when_it_trains() -> None:
    made = lives(0, died_s=(10,))
    made.apply(200, r.hello(pid=200, rank=0, parent_pid=99, unix_ns=r.START_UNIX_NS + 20 * SECOND))

    assert made.view().target.pid == 100
    assert [entry.life for entry in made.view().processes] == [1, 1]


def test_processes_that_train_at_the_same_time_are_no_lives_of_each_other() -> None:
    view = lives(0, 5, died_s=(30, 30)).view()

    assert [entry.life for entry in view.processes] == [1, 1]


def test_a_child_that_inherited_a_rank_is_no_later_life() -> None:
    view = lives(0, 20, died_s=(10, 30), parent_pid=100).view()

    assert (view.target.pid, [entry.life for entry in view.processes]) == (100, [1, 1])


def test_processes_without_a_rank_are_no_lives_of_each_other() -> None:
    view = lives(0, 20, died_s=(10, 30), rank=None).view()

    assert (view.target.pid, [entry.life for entry in view.processes]) == (100, [1, 1])


def test_a_rank_that_is_learned_late_counts() -> None:
    made = ranks(2, 1)
    made.apply(102, DistributedEvent(0, 3, 1))
    target = made.view().target

    assert (target.pid, target.rank, target.world_size) == (102, 0, 3)


def test_what_a_process_did_before_it_called_exec_is_an_earlier_life() -> None:
    later = r.hello(unix_ns=r.step_row(60)[0])
    view = session(r.hello(), r.training(50), later, r.training(3, first=61)).view()

    assert [(entry.pid, entry.life, entry.steps, entry.shown) for entry in view.processes] == [
        (r.PID, 1, 50, False),
        (r.PID, 2, 63, True),
    ]


def test_the_receipts_of_every_process_are_there() -> None:
    made = ranks(1, 2)
    made.apply(101, OptimizationEvent("bf16", "on", "4 layers", 1))
    made.apply(102, OptimizationEvent("bf16", "no effect", "because nothing was called", 1))
    found = {entry.rank: [one.state for one in entry.optimizations] for entry in made.view().processes}

    assert found == {1: ["on"], 2: ["no effect"], 0: []}


# ---------------------------------------------------------------- attached processes

HOST = 0


STACKS = StacksEvent(5, ["MainThread", "main", "train.py"], [[r.PID, r.PID, 0, True, False, [1, 2, 7]]], ["no"])


def attached_session() -> Session:
    return Session([Part(r.session_file(attached=True), live=True)])


def test_until_the_agent_is_there_the_stacks_from_outside_are() -> None:
    session = attached_session()
    session.apply(HOST, STACKS)
    view = session.view()
    assert view.state is State.STARTING
    assert view.target.attached
    (thread,) = view.stacks.threads
    assert (thread.name, thread.frames) == ("MainThread", (Frame("train.py", 7, "main"),))
    assert view.stacks.failures == ("no",)


def test_when_no_way_in_was_found_the_reasons_are_told() -> None:
    session = attached_session()
    session.apply(HOST, AttachedEvent(r.PID, "", ["it has not imported torch"], 0, 5))
    view = session.view()
    assert view.state is State.OUTSIDE
    (notice,) = view.notices
    assert notice.level == "warning"
    assert "it has not imported torch" in notice.text


def test_an_agent_that_comes_late_is_shown_all_the_same() -> None:
    session = attached_session()
    session.apply(HOST, AttachedEvent(r.PID, "", ["no answer"], 0, 5))
    session.apply(r.PID, r.hello())
    assert session.view().state is State.WAITING


def test_a_target_that_was_left_runs_on() -> None:
    for reason in ("detach", "unread"):
        session = attached_session()
        session.apply(r.PID, r.hello())
        session.apply(r.PID, r.bye(reason))
        view = session.view()
        assert view.state is State.ENDED
        assert view.target.detached


def test_a_view_from_outside_ends_with_its_recorder() -> None:
    session = attached_session()
    session.apply(HOST, STACKS)
    session.apply(HOST, r.bye("exit"))
    view = session.view()
    assert view.state is State.ENDED
    assert not view.target.detached
    assert view.target.exit_code is None


def test_what_the_dump_says_that_makes_no_sense_is_a_bad_line() -> None:
    session = attached_session()
    broken = StacksEvent(5, [], [[1, 1, 3, True, False, []]], [])
    try:
        session.apply(HOST, broken)
    except (IndexError, ValueError):
        assert session.view().stacks.threads == ()
    else:
        raise AssertionError("it was taken")


def test_the_steps_that_begin_epochs_are_in_the_view() -> None:
    two_epochs = session(r.hello(), r.steps(1, 50), r.epoch(0, 1), r.steps(51, 9), r.epoch(1, 51))
    assert two_epochs.view().epoch_starts == (51,)
    assert session(r.hello(), r.training(60)).view().epoch_starts == ()
