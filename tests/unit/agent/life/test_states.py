"""The agent's states and the requests that lead from one to the next."""

from __future__ import annotations

import threading

import pytest

from profilednn_tui.agent.life.states import (
    FINISHING,
    LEAVING,
    LEFT,
    LISTENING,
    STARTING,
    TRANSITIONS,
    Life,
    Request,
    State,
)
from profilednn_tui.protocol.vocabulary import DETACH, EXIT, GAVE_UP, UNREAD

WAY_TO: dict[State, tuple[Request, ...]] = {
    STARTING: (),
    LISTENING: (Request.LISTEN,),
    FINISHING: (Request.LISTEN, Request.LEAVE),
    LEAVING: (Request.LISTEN, Request.LEAVE, Request.RELEASE),
    LEFT: (Request.LISTEN, Request.LEAVE, Request.RELEASE, Request.END),
}


def life_in(state: State) -> Life:
    life = Life()
    for request in WAY_TO[state]:
        assert life.ask(request)
    assert life.state is state
    return life


@pytest.mark.parametrize("request_", Request)
@pytest.mark.parametrize("state", State)
def test_a_request_leads_where_the_table_says_or_nowhere(state: State, request_: Request) -> None:
    life = life_in(state)
    following = TRANSITIONS.get((state, request_))
    assert life.ask(request_) is (following is not None)
    assert life.state is (state if following is None else following)


def test_a_life_never_goes_back() -> None:
    assert all(following > state for (state, _), following in TRANSITIONS.items())


def test_whatever_the_state_the_process_may_end() -> None:
    ending = {state for state, request in TRANSITIONS if request is Request.END}
    assert ending == set(State) - {LEFT}


def test_the_agent_can_give_up_until_it_leaves() -> None:
    giving_up = {state for state, request in TRANSITIONS if request is Request.GIVE_UP}
    assert giving_up == {STARTING, LISTENING, FINISHING}
    assert {TRANSITIONS[state, Request.GIVE_UP] for state in giving_up} == {LEAVING}


def test_a_boundary_lets_it_go_only_after_it_was_asked_to_leave() -> None:
    assert not life_in(LISTENING).ask(Request.RELEASE)
    assert life_in(FINISHING).ask(Request.RELEASE)


def test_an_agent_that_gave_up_while_starting_never_listens() -> None:
    life = Life()
    life.ask(Request.GIVE_UP, GAVE_UP)
    assert not life.ask(Request.LISTEN)


@pytest.mark.parametrize(
    ("requests", "reason"),
    [
        (((Request.LEAVE, UNREAD), (Request.LEAVE, DETACH), (Request.RELEASE, ""), (Request.END, "")), UNREAD),
        (((Request.LEAVE, DETACH), (Request.GIVE_UP, GAVE_UP), (Request.END, "")), GAVE_UP),
        (((Request.GIVE_UP, GAVE_UP), (Request.LEAVE, DETACH), (Request.END, "")), GAVE_UP),
        (((Request.LEAVE, DETACH), (Request.RELEASE, ""), (Request.GIVE_UP, GAVE_UP), (Request.END, "")), DETACH),
        (((Request.LEAVE, DETACH), (Request.END, EXIT)), EXIT),
        (((Request.END, EXIT), (Request.END, DETACH)), EXIT),
    ],
)
def test_the_reason_is_that_of_the_newest_request_that_was_granted(
    requests: tuple[tuple[Request, str], ...], reason: str
) -> None:
    life = life_in(LISTENING)
    for request, why in requests:
        life.ask(request, why)
    assert (life.state, life.reason) == (LEFT, reason)


def test_of_threads_that_ask_for_the_same_one_is_granted_it() -> None:
    life = life_in(LISTENING)
    together = threading.Barrier(8)
    granted: list[bool] = []

    def ask() -> None:
        together.wait()
        granted.append(life.ask(Request.END, EXIT))

    threads = [threading.Thread(target=ask) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(granted) == [False] * 7 + [True]
