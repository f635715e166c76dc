"""The command palette."""

from __future__ import annotations

from tests.tui.conftest import Watch
from tests.tui.feeds import FakeFeed, running_view
from tests.tui.screen_text import screen_text


async def test_the_palette_knows_our_actions(watch: Watch) -> None:
    async with watch(FakeFeed(running_view())) as (app, pilot):
        await pilot.press("ctrl+p")
        await pilot.pause()
        for _ in range(20):
            if "Take a window now" in screen_text(app):
                break
            await pilot.pause(0.05)
        assert "Take a window now" in screen_text(app)
