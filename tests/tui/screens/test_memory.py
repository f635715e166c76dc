"""The screen of the memory."""

from __future__ import annotations

from dataclasses import replace

import pytest

from profilednn_tui.protocol.vocabulary import MEMORY_NOW
from profilednn_tui.tui.present.memory_account import WAITING
from profilednn_tui.tui.screens.memory import OwnersTable
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


async def test_a_step_that_was_asked_for_is_waited_for(watch: Watch) -> None:
    """Found in a review: during a validation, the key seemed to do nothing."""
    feed = FakeFeed(r.view_of(r.hello(), r.training(30), live=True))
    async with watch(feed) as (app, pilot):
        await pilot.press("M")
        await pilot.pause()
        await pilot.press("m")
        await pilot.pause()
        assert WAITING in screen_text(app)
        feed.current = r.view_of(r.hello(), r.training(32), account(), allocations(), live=True)
        app.follow_once()
        await pilot.pause()
        assert WAITING not in screen_text(app)
        assert "640.0 MB above its begin" in screen_text(app)


async def test_the_table_leaves_the_room_that_it_does_not_need(watch: Watch) -> None:
    """Found in a review: at 80x60, it ended in empty rows while the list below it was cut."""
    view = r.view_of(r.hello(), r.training(30), account(), allocations())
    async with watch(FakeFeed(view), size=(80, 60)) as (app, pilot):
        await pilot.press("M")
        await pilot.pause()
        table = app.screen.query_one(OwnersTable)
        assert table.room.height == len(table.rows) + table.header_height
        assert app.screen.query_one("#step-memory").size.height > table.size.height


async def test_under_merged_ranks_the_account_says_whose_it_is(watch: Watch) -> None:
    """Found in a review: the header said that ranks are merged, and the account was of one."""
    view = r.view_of(r.hello(), r.training(30), account())
    merged = replace(view, merged_ranks=2, target=replace(view.target, rank=0))
    async with watch(FakeFeed(merged), size=(120, 40)) as (app, pilot):
        await pilot.press("M")
        await pilot.pause()
        assert "of rank 0 alone" in screen_text(app)
