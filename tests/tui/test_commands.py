"""The command palette."""

from __future__ import annotations

from profilednn_tui.tui.app import ProfilerApp
from profilednn_tui.tui.commands import ActionsProvider
from profilednn_tui.tui.screens.choice import ChoiceScreen
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


async def test_quitting_from_the_palette_asks_too(watch: Watch) -> None:
    """Textual's own "Quit" left at once, and the training ran on without a word."""
    async with watch(FakeFeed(running_view())) as (app, pilot):
        await pilot.press("ctrl+p")
        await pilot.pause()
        await pilot.press(*"quit")
        for _ in range(40):
            if "Quit  (q)" in screen_text(app):
                break
            await pilot.pause(0.05)
        await pilot.press("enter")
        for _ in range(40):
            if isinstance(app.screen, ChoiceScreen):
                break
            await pilot.pause(0.05)
        assert "The training is still running" in screen_text(app)
        assert app.is_running


def test_the_palette_has_our_actions_only() -> None:
    assert {ActionsProvider} == ProfilerApp.COMMANDS
