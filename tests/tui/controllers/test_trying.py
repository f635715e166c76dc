"""What `t` refuses, and what it asks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pytest

from profilednn_tui.session.view import SessionView, State
from profilednn_tui.tui.app import ProfilerApp
from profilednn_tui.tui.present.advice import Attempt
from profilednn_tui.tui.screens.choice import ChoiceScreen
from tests.tui.advised import advised_app
from tests.tui.apps import following
from tests.tui.feeds import running_view
from tests.tui.pictures import come_to_rest
from tests.tui.screen_text import screen_text


def ended_view() -> SessionView:
    return replace(running_view(), state=State.ENDED, live=False)


def never(rule: str) -> Sequence[str]:
    raise AssertionError("nothing may be started")


async def text_after_t(app: ProfilerApp, row: int = 1) -> str:
    """The screen after `t` on a row of the findings."""
    async with following(app) as (_, pilot):
        await come_to_rest(app, pilot)
        await pilot.press("a", *["j"] * row, "t")
        await come_to_rest(app, pilot)
        return screen_text(app)


async def test_a_change_of_the_script_names_its_line() -> None:
    text = await text_after_t(advised_app(ended_view(), try_command=never), row=0)
    assert "a change of the script, which cannot be tried" in " ".join(text.split())
    assert "train.py:24" in text


async def test_a_session_that_cannot_be_started_again_says_why() -> None:
    app = advised_app(ended_view(), try_command=never, untriable=lambda finding: "A snapshot cannot be started again.")
    assert "A snapshot cannot be started again." in await text_after_t(app)


async def test_another_users_session_is_refused() -> None:
    app = advised_app(ended_view(), try_command=never)
    app._feed.foreign = "The session belongs to another user."  # type: ignore[misc]
    assert "belongs to another user" in await text_after_t(app)


async def test_one_remedy_is_tried_at_a_time() -> None:
    app = advised_app(ended_view(), try_command=never)
    app.advising.attempt("allocator-faults", Attempt(True, "2 of 8 runs"))
    assert "One at a time: allocator faults is still being tried." in await text_after_t(app)


@pytest.mark.parametrize("key", ["c", "escape"])
async def test_beside_a_running_training_nothing_starts_without_a_yes(key: str) -> None:
    app = advised_app(try_command=never)
    async with following(app) as (_, pilot):
        await come_to_rest(app, pilot)
        await pilot.press("a", "j", "t")
        await come_to_rest(app, pilot)
        assert isinstance(app.screen, ChoiceScreen)
        assert "The training is still running" in screen_text(app)
        assert "Both would disturb each other" in screen_text(app)
        await pilot.press(key)
        await come_to_rest(app, pilot)
        assert app.advising.findings.attempts == {}


async def test_quitting_while_a_remedy_is_tried_asks_first() -> None:
    app = advised_app(ended_view(), try_command=never)
    async with following(app) as (_, pilot):
        await come_to_rest(app, pilot)
        app.advising.attempt("allocator-faults", Attempt(True, "2 of 8 runs"))
        await pilot.press("q")
        await pilot.pause()
        assert "allocator faults is still being tried" in screen_text(app)
        await pilot.press("c")
        await pilot.pause()
        assert app.is_running
        await pilot.press("q")
        await pilot.pause()
        await pilot.press("e")
        await pilot.pause()
        assert not app.is_running


async def test_running_again_waits_for_the_end_of_a_trial() -> None:
    app = advised_app(ended_view(), try_command=never)
    async with following(app) as (_, pilot):
        await come_to_rest(app, pilot)
        app.advising.attempt("allocator-faults", Attempt(True, "2 of 8 runs"))
        await pilot.press("r")
        await pilot.pause()
        assert "allocator faults is still being tried" in screen_text(app)
        assert not isinstance(app.screen, ChoiceScreen)
