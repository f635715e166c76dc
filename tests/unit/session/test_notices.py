"""What the user should know about a session."""

from __future__ import annotations

from profilednn_tui.session.notices import notices, warning_count
from profilednn_tui.session.view import Agent, Cores, Notice, SessionView, State


def test_a_session_without_trouble_has_no_notices() -> None:
    assert notices(SessionView()) == ()


def test_warnings_come_first_and_the_sessions_own_before_those_of_the_recording() -> None:
    view = SessionView(
        state=State.LOST,
        cores=Cores(contention="others 100 % of one core"),
        agent=Agent(dropped_events=1_200, bad_lines=1, errors=("boom",)),
        notices=(Notice("info", "a", "Good to know."), Notice("warning", "b", "Beware.")),
    )
    assert notices(view) == (
        ("warning", "others 100 % of one core"),
        (
            "warning",
            "The recording has no end: the target and the profiler were killed together. "
            "At most the last second is missing.",
        ),
        ("warning", "1,200 events were dropped: the agent's outbox was full."),
        ("warning", "1 line of the recording could not be read."),
        ("warning", "The agent caught an error of its own; training continued: boom"),
        ("warning", "Beware."),
        ("info", "Good to know."),
    )
    assert warning_count(view) == 6
