"""What the user should know about a session."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest

from profilednn_tui.export.session.facts import missing
from profilednn_tui.session.notices import damage, notices, warning_count
from profilednn_tui.session.view import Agent, Cores, Notice, SessionView, State, Steps


def test_a_session_without_trouble_has_no_notices() -> None:
    assert notices(SessionView()) == ()


def test_warnings_come_first_and_the_sessions_own_before_those_of_the_recording() -> None:
    view = SessionView(
        state=State.LOST,
        cores=Cores(contention="others 100 % of one core"),
        agent=Agent(dropped_events=1_200, errors=("boom",)),
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
        ("warning", "The agent caught an error of its own; training continued: boom"),
        ("warning", "Beware."),
        ("info", "Good to know."),
    )
    assert warning_count(view) == 5


@pytest.mark.parametrize(
    ("view", "sentence"),
    [
        (SessionView(agent=Agent(bad_lines=1)), "1 line of the recording could not be read."),
        (SessionView(notices=(Notice("warning", "unreadable-a.jsonl", "It is damaged."),)), "It is damaged."),
        (SessionView(notices=(Notice("warning", "disk-full", "The disk is full."),)), ""),
    ],
)
def test_a_damaged_recording_says_nothing_of_what_is_missing(view: SessionView, sentence: str) -> None:
    """A new user found: with a few bytes changed, a snapshot was said to have been killed, without torch."""
    assert damage(view) == sentence
    (first, *_) = (text for _, text in notices(replace(view, state=State.LOST)))
    assert first.startswith("The recording has no end: it is damaged." if sentence else "The recording has no end: the")
    (absent, *_) = missing(replace(view, state=State.ENDED))
    assert absent.startswith("No steps can be read. " + sentence if sentence else "No steps: the target never imported")


@pytest.mark.parametrize(
    ("losses", "since"), [((1.0, math.nan, 2.0, math.nan, math.nan, math.inf), 4), ((1.0, 1.0, math.nan, math.nan), 0)]
)
def test_losses_that_are_no_numbers_are_told(losses: tuple[float, ...], since: int) -> None:
    """A new user found: `advise` says nothing of a training that has learned nothing for hours."""
    view = SessionView(steps=Steps(len(losses), numbers=tuple(range(1, len(losses) + 1)), losses=losses))
    told = f"The loss has been no number since step {since} at the latest: nothing is learned."
    assert notices(view) == ((("warning", told),) if since else ())
