"""Watching a process that was running before."""

from __future__ import annotations

from dataclasses import replace

import pytest

from profilednn_tui.session.view import Frame, Operators, SessionView, Stacks, State, Steps, Target, ThreadStack
from profilednn_tui.tui.controllers.quitting import Parting
from profilednn_tui.tui.screens.thread_stacks import ThreadStacksScreen
from tests.tui.conftest import Watch
from tests.tui.feeds import FakeFeed, running_view
from tests.tui.screen_text import screen_text

FRAMES = (
    Frame("/home/me/train.py", 12, "main"),
    Frame("/v/site-packages/torch/nn/modules/module.py", 1, "_call_impl"),
    Frame("/home/me/model.py", 4, "forward"),
)


def attached_view() -> SessionView:
    stacks = Stacks((ThreadStack(4711, 4711, "MainThread", True, True, FRAMES),), (), 900)
    return replace(running_view(), target=Target("train.py", pid=4711, attached=True), stacks=stacks)


@pytest.mark.parametrize(("key", "parting"), [("d", Parting.DETACH), ("s", Parting.STAY)])
async def test_leaving_asks_what_becomes_of_the_agent(watch: Watch, key: str, parting: Parting) -> None:
    async with watch(FakeFeed(attached_view()), launched=False) as (app, pilot):
        await pilot.press("q")
        await pilot.pause()
        assert "Leave the training" in screen_text(app)
        await pilot.press(key)
        await pilot.pause()
        assert not app.is_running
    assert app.quitting.parting is parting


async def test_ctrl_c_asks_too_and_cancelling_stays(watch: Watch) -> None:
    feed = FakeFeed(attached_view())
    async with watch(feed, launched=False) as (app, pilot):
        await pilot.press("ctrl+c")
        await pilot.pause()
        await pilot.press("c")
        await pilot.pause()
        assert app.is_running
        assert app.quitting.parting is None
    assert feed.typed == b""


async def test_the_stacks_of_all_threads(watch: Watch) -> None:
    async with watch(FakeFeed(attached_view()), launched=False) as (app, pilot):
        await pilot.press("x")
        await pilot.pause()
        app.publish()
        await pilot.pause()
        assert isinstance(app.screen, ThreadStacksScreen)
        text = screen_text(app)
        assert "MainThread" in text
        assert "forward" in text
        assert "_call_impl" not in text
        await pilot.press("t")
        await pilot.pause()
        assert "_call_impl" in screen_text(app)


async def test_without_an_agent_the_panes_say_what_they_lack(watch: Watch) -> None:
    outside = replace(attached_view(), state=State.OUTSIDE, steps=Steps(), operators=Operators())
    async with watch(FakeFeed(outside), launched=False) as (app, _):
        text = screen_text(app)
    assert "from outside" in text
    assert "need the agent" in text
