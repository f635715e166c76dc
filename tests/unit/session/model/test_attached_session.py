"""A session of a process that was running before."""

from __future__ import annotations

from profilednn_tui.protocol.events import AttachedEvent, StacksEvent
from profilednn_tui.session.model.session import Session
from profilednn_tui.session.view import Frame, State
from tests.unit.session import recordings as r

HOST = 0
STACKS = StacksEvent(5, ["MainThread", "main", "train.py"], [[r.PID, r.PID, 0, True, False, [1, 2, 7]]], ["no"])


def attached_session() -> Session:
    return Session(r.session_file(attached=True), live=True)


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
