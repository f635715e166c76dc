"""The command palette."""

from __future__ import annotations

import pytest
from textual.color import Color

from profilednn_tui.tui.app import ProfilerApp
from profilednn_tui.tui.commands import ActionsProvider
from profilednn_tui.tui.screens.choice import ChoiceScreen
from tests.tui.colours import contrast
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


@pytest.mark.parametrize("name", ["profilednn-dark", "profilednn-light"])
async def test_the_hint_in_the_palette_is_readable(watch: Watch, name: str) -> None:
    """Found by hand, in the light theme: its contrast was 2.6."""
    async with watch(FakeFeed(running_view())) as (app, pilot):
        app.theme = name
        await pilot.press("ctrl+p")
        await pilot.pause()
        strips = app.screen._compositor.render_strips(app.size)
        (style,) = {part.style for strip in strips for part in strip if "earch for commands" in part.text}
        assert style is not None
        assert style.color is not None
        assert style.bgcolor is not None
        assert contrast(Color.from_rich_color(style.color), Color.from_rich_color(style.bgcolor)) >= 4.5
