"""The help."""

from __future__ import annotations

from profilednn_tui.tui.screens.help import HelpScreen
from tests.tui.conftest import Watch
from tests.tui.feeds import FakeFeed, running_view
from tests.tui.screen_text import screen_text


async def test_help_lists_every_key_of_the_contract(watch: Watch) -> None:
    async with watch(FakeFeed(running_view()), (140, 60)) as (app, pilot):
        await pilot.press("question_mark")
        await pilot.pause()
        assert isinstance(app.screen, HelpScreen)
        text = screen_text(app)
        for key in ("q", "?", "/", "n", "N", "space", "enter", "esc", "z", "<", ">", "s", "e", "y", "E", "ctrl+p", "["):
            assert f" {key} " in text
        await pilot.press("escape")
        await pilot.pause()
        assert not isinstance(app.screen, HelpScreen)
