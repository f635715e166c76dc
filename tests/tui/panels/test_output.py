"""The pane with the target's output."""

from __future__ import annotations

from tests.tui.conftest import Watch
from tests.tui.feeds import FakeFeed, running_view


async def test_typing_to_the_target(watch: Watch) -> None:
    feed = FakeFeed(running_view(), b"(Pdb) ")
    async with watch(feed) as (_, pilot):
        await pilot.press("i", "c", "enter")  # in any pane: a new user did not find the one
        await pilot.pause()
        assert feed.typed == b"c\n"
