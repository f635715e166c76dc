"""What is known of processes that have ended, of their lives, and of what they exchange."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from profilednn_tui.protocol.events import (
    AffinityEvent,
    ByeEvent,
    CommunicationEvent,
    ConditionsEvent,
    DistributedEvent,
    GroupEvent,
    ProcessEndEvent,
    StepsEvent,
)
from profilednn_tui.session.model.part import Part
from profilednn_tui.session.model.session import Session
from profilednn_tui.session.view import Exchange, Frame, Inputs, ProcessEnd, ProcessEntry
from tests.unit.session import recordings as r

HOST = 0
SECOND = 1_000_000_000
START = r.START_UNIX_NS


def trained(made: Session, rank: int, pid: int, born_s: int, last_s: int, **hello: Any) -> None:
    """A rank that trains from one second to another."""
    born = START + born_s * SECOND
    made.apply(pid, r.hello(pid=pid, rank=rank, parent_pid=99, unix_ns=born, **hello))
    made.apply(pid, StepsEvent(1, [[START + last_s * SECOND, *r.step_row(1)[1:]]] * 5))


def session() -> Session:
    return Session([Part(r.session_file(), live=True)])


def entries(made: Session) -> dict[int, ProcessEntry]:
    return {entry.pid: entry for entry in made.view().processes}


def crash(error: str = "", exit_code: int | None = None) -> ByeEvent:
    file, line = ("/home/me/train.py", 52) if error else ("", 0)
    return ByeEvent("exit", START + 60 * SECOND, error, file, line, exit_code)


def test_a_process_that_runs_has_no_end() -> None:
    made = session()
    trained(made, 0, 100, 1, 10)
    assert entries(made)[100].end is None


def test_the_agent_tells_the_exception_and_the_host_the_exit_code() -> None:
    made = session()
    trained(made, 0, 100, 1, 10)
    made.apply(100, crash("ValueError: boom"))
    made.apply(HOST, ProcessEndEvent(100, 1, START + 61 * SECOND, START + 61 * SECOND))
    entry = entries(made)[100]
    at = START + 60 * SECOND
    assert entry.ended
    assert entry.end == ProcessEnd(at, at, "ValueError: boom", Frame("/home/me/train.py", 52, ""), 1)


def test_the_exit_code_that_the_agent_was_told_counts_if_the_host_has_none() -> None:
    made = session()
    trained(made, 0, 100, 1, 10)
    made.apply(100, crash(exit_code=3))
    made.apply(HOST, ProcessEndEvent(100, None, START + 61 * SECOND, START + 61 * SECOND))
    end = entries(made)[100].end
    assert end is not None
    assert end.exit_code == 3


def test_a_process_that_was_killed_has_said_no_goodbye() -> None:
    made = session()
    trained(made, 0, 100, 1, 10)
    assert 100 in made.running_agents
    made.apply(HOST, ProcessEndEvent(100, -9, START + 9 * SECOND, START + 61 * SECOND))
    entry = entries(made)[100]
    assert entry.ended
    assert entry.end == ProcessEnd(START + 61 * SECOND, START + 10 * SECOND, exit_code=-9, said_bye=False)
    assert 100 not in made.running_agents


def test_a_process_that_the_host_never_saw_ended_before_the_launcher() -> None:
    """It came and went between two samples."""
    made = session()
    trained(made, 0, 100, 1, 10)
    trained(made, 1, 101, 1, 10)
    made.apply(HOST, AffinityEvent(START, 100, [0]))
    made.apply(HOST, r.exit_event(1))
    assert entries(made)[100].end is None, "it may have outlived the launcher"
    end = entries(made)[101].end
    assert end is not None
    assert (end.alive_unix_ns, end.said_bye, end.exit_code) == (START + 10 * SECOND, False, None)


def test_a_process_that_was_left_has_not_ended() -> None:
    made = session()
    trained(made, 0, 100, 1, 10)
    made.apply(100, r.bye("detach"))
    assert entries(made)[100].end is None


@pytest.mark.parametrize("host_first", [True, False])
def test_what_the_host_tells_counts_whichever_recording_is_read_first(host_first: bool) -> None:
    made = session()
    told = [ProcessEndEvent(100, -9, START, START), AffinityEvent(START, 100, [2, 3])]
    for event in told if host_first else []:
        made.apply(HOST, event)
    trained(made, 0, 100, 1, 10)
    for event in told if not host_first else []:
        made.apply(HOST, event)
    entry = entries(made)[100]
    assert entry.cpus == (2, 3)
    assert entry.end is not None


def test_the_command_may_have_been_given_more_cpus_than_its_ranks() -> None:
    made = session()
    made.apply(HOST, replace(r.machine(), affinity=[0, 1, 2, 3]))
    made.apply(HOST, replace(r.machine(), affinity=[1]))
    machine = made.view().machine
    assert (machine.command_cpus, machine.affinity) == ((0, 1, 2, 3), 1)


def test_a_training_that_comes_back_with_fewer_ranks_is_a_life_of_its_own() -> None:
    made = session()
    for rank in range(2):
        trained(made, rank, 100 + rank, 1, 10, world_size=2)
    trained(made, 0, 102, 20, 30, world_size=1)
    assert [(entry.rank, entry.life, entry.world_size) for entry in entries(made).values()] == [
        (0, 1, 2),
        (1, 1, 2),
        (0, 2, 1),
    ]
    assert entries(made)[101].ended, "it did not come back"


def test_a_rank_that_joins_later_takes_part_in_the_life_of_the_others() -> None:
    made = session()
    trained(made, 0, 100, 1, 10)
    for rank in range(2):
        trained(made, rank, 101 + rank, 20, 30)
    assert [entry.life for entry in entries(made).values()] == [1, 2, 2]


def test_ranks_that_ran_one_after_the_other_are_no_lives() -> None:
    made = session()
    trained(made, 0, 100, 1, 10)
    trained(made, 1, 101, 20, 30)
    assert [entry.life for entry in entries(made).values()] == [1, 1]


def test_torchrun_counts_lives_that_had_no_step() -> None:
    made = session()
    made.apply(100, r.hello(pid=100, rank=0, unix_ns=START + SECOND, restarts=0))
    trained(made, 0, 101, 20, 30, restarts=1)
    assert [entry.life for entry in entries(made).values()] == [1, 2]


def test_the_request_of_the_launcher_stays_when_the_group_is_smaller() -> None:
    made = session()
    trained(made, 0, 100, 1, 10, world_size=4)
    made.apply(100, DistributedEvent(0, 1, START))
    entry = entries(made)[100]
    assert (entry.asked_size, entry.world_size) == (4, 1)


def group(number: int = 0, ranks: int = 2) -> GroupEvent:
    return GroupEvent(number, f"group {number}", list(range(ranks)), "gloo", True, "node", "boot", START)


def exchange(*looks: list[int]) -> Exchange | None:
    """Of a process with two groups that looked at their counts."""
    made = session()
    trained(made, 0, 100, 1, 10)
    made.apply(100, group())
    made.apply(100, group(1, ranks=1))
    for look in looks:
        made.apply(100, CommunicationEvent(look[0] + 1, [[0, 0, 0]], [], [look]))
    return entries(made)[100].exchange


def test_a_process_without_a_group_exchanges_nothing() -> None:
    made = session()
    trained(made, 0, 100, 1, 10)
    assert entries(made)[100].exchange is None


def test_collectives_are_counted_between_two_looks() -> None:
    assert exchange([1, 0, 5], [1, 1, 0], [40, 0, 44], [40, 1, 0]) == Exchange(2, ("gloo",), 39, 39)
    assert exchange([1, 0, 5], [40, 0, 5]) == Exchange(2, ("gloo",), 0, 39)


def test_one_look_or_a_backend_that_does_not_count_tells_nothing() -> None:
    assert exchange([1, 0, 5]) == Exchange(2, ("gloo",), None, 0)
    assert exchange([1, 0, -1], [40, 0, -1]) == Exchange(2, ("gloo",), None, 39)


def test_counts_of_a_group_that_nobody_told_of_are_left_out() -> None:
    assert exchange([1, 7, 5], [40, 7, 9]) == Exchange(2, ("gloo",), None, 0)


def test_the_size_of_the_inputs_is_known_where_the_agent_has_looked() -> None:
    made = session()
    trained(made, 0, 100, 1, 10)
    look = ConditionsEvent(4, False, True, None, None, 9, 0, 0, [], [], 1, START, 16, 1_024)
    made.apply(100, look)
    made.apply(100, replace(look, step=8, batch=0, input_elements=0))
    assert entries(made)[100].inputs == (Inputs(4, 16, 1_024),)
