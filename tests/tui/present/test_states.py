"""What is displayed when there is nothing to show yet, or nothing any more."""

from __future__ import annotations

from dataclasses import replace

import pytest

from profilednn_tui.session.view import (
    Agent,
    Notice,
    Operators,
    SessionView,
    State,
    Target,
)
from profilednn_tui.tui.present import states
from tests.tui.feeds import running_view


@pytest.mark.parametrize(
    ("exit_code", "badge"),
    [(0, "■ training ended (exit code 0)"), (-9, "■ training killed by SIGKILL (9)")],
)
def test_the_header_says_how_the_training_ended(exit_code: int, badge: str) -> None:
    view = SessionView(state=State.ENDED, target=Target("a.py", exit_code=exit_code))
    assert states.state_badge(view)[0] == badge


def test_a_target_without_torch_is_explained() -> None:
    view = SessionView(state=State.ENDED, target=Target("a.py", exit_code=0), unix_ns=1)
    message = states.steps_message(view)
    assert message is not None
    assert message.sentences == ("torch was never imported.",)


def test_a_damaged_recording_is_not_taken_for_a_training_without_torch() -> None:
    """Found by a new user, with a snapshot of which a few bytes had changed."""
    view = SessionView(state=State.ENDED, target=Target("a.py"), agent=Agent(bad_lines=2), unix_ns=1)
    message = states.steps_message(view)
    assert message is not None
    assert message.sentences == ("2 lines of the recording could not be read.",)


def test_gradients_that_accumulate_are_a_reason_for_no_step() -> None:
    view = running_view(0)
    message = states.steps_message(
        replace(view, state=State.WAITING, progress=replace(view.progress, batches=4, forwards=4, backwards=4))
    )
    assert message is not None
    assert "accumulated" in message.sentences[1]


def test_windows_that_fail_are_the_reason_for_no_operators() -> None:
    text = "operator windows were given up after 3 failures in a row (ValueError: x)"
    view = replace(running_view(), operators=Operators(), notices=(Notice("warning", "window_failed", text),))
    message = states.operators_message(view)
    assert message is not None
    assert message.sentences == ("Operator windows were given up after 3 failures in a row (ValueError: x).",)


def test_a_snapshot_of_a_running_training_does_not_say_that_it_was_killed() -> None:
    """It was shown as an incomplete recording whose target and profiler had been killed together."""
    view = replace(running_view(0), state=State.EXCERPT, live=False, operators=Operators(), notices=())
    assert states.state_badge(view)[0] == "■ snapshot of a running training"
    steps, operators = states.steps_message(view), states.operators_message(view)
    assert steps is not None
    assert operators is not None
    assert "killed" not in repr((steps, operators))
    assert operators.sentences == ("The snapshot was taken before the first window.",)
