"""The step pane."""

from __future__ import annotations

from tests.tui.conftest import Watch
from tests.tui.feeds import FakeFeed, sampled_view, uneven_view
from tests.tui.screen_text import screen_text


async def test_capital_d_shows_the_distribution_and_the_history_again(watch: Watch) -> None:
    async with watch(FakeFeed(uneven_view())) as (app, pilot):
        await pilot.press("1")
        await pilot.pause()
        assert "D distribution" in screen_text(app)
        await pilot.press("D")
        await pilot.pause()
        text = screen_text(app)
        assert "1 Steps, ms · distribution" in text
        assert "3 outliers above" in text
        assert "199 steps of the whole run" in text
        await pilot.press("D")
        await pilot.pause()
        assert "1 Steps, ms · loss below" in screen_text(app)


async def test_zooming_belongs_to_the_history(watch: Watch) -> None:
    async with watch(FakeFeed(uneven_view())) as (app, pilot):
        await pilot.press("1")
        await pilot.pause()
        assert "4 steps per column" in screen_text(app)
        await pilot.press("D", "plus", "D")
        await pilot.pause()
        assert "4 steps per column" in screen_text(app)
        await pilot.press("plus")
        await pilot.pause()
        assert "2 steps per column" in screen_text(app)


async def test_zooming_into_a_density_leads_to_phases(watch: Watch) -> None:
    async with watch(FakeFeed(sampled_view())) as (app, pilot):
        await pilot.press("1")
        await pilot.pause()
        assert "250 ms per column" in screen_text(app)
        await pilot.press("plus")
        await pilot.pause()
        assert "125 ms per column" in screen_text(app)
        await pilot.press("plus", "plus")
        await pilot.pause()
        assert "64 steps per column" in screen_text(app)


async def test_zooming_ends_at_single_steps(watch: Watch) -> None:
    async with watch(FakeFeed(uneven_view())) as (app, pilot):
        await pilot.press("1", *["plus"] * 8, "minus")
        await pilot.pause()
        assert "2 steps per column" in screen_text(app)
