"""The screen of the memory."""

from __future__ import annotations

import pytest

from profilednn_tui.protocol.vocabulary import MEMORY_NOW
from tests.tui.conftest import Watch
from tests.tui.feeds import FakeFeed
from tests.tui.screen_text import screen_text
from tests.unit.session import recordings as r
from tests.unit.session.model.test_memory_account import account, allocations


@pytest.mark.parametrize("size", [(80, 24), (120, 40), (200, 60)])
async def test_the_screen_tells_who_holds_the_memory_and_what_a_step_adds(watch: Watch, size: tuple[int, int]) -> None:
    view = r.view_of(r.hello(), r.training(30), account(), allocations())
    async with watch(FakeFeed(view), size=size) as (app, pilot):
        await pilot.press("M")
        await pilot.pause()
        text = screen_text(app)
        assert "1.00 GB after step 20" in text
        assert "optimizer state" in text
        assert "640.0 MB above its begin" in text
        await pilot.press("escape")


async def test_the_key_asks_the_agent(watch: Watch) -> None:
    feed = FakeFeed(r.view_of(r.hello(), r.training(30), live=True))
    async with watch(feed) as (app, pilot):
        await pilot.press("M")
        await pilot.pause()
        assert "m takes one at the end of the next step" in screen_text(app)
        await pilot.press("m")
        await pilot.pause()
        assert [command.action for command in feed.commands] == [MEMORY_NOW]
