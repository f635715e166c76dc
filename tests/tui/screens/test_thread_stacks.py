"""The stacks of all threads."""

from __future__ import annotations

from profilednn_tui.tui.screens.thread_stacks import ThreadStacksScreen
from tests.tui.conftest import Watch
from tests.tui.feeds import FakeFeed, attached_view
from tests.tui.screen_text import screen_text


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
