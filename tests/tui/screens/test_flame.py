"""The flame graph on the screen."""

from __future__ import annotations

from dataclasses import replace

import pytest

from profilednn_tui.tui.app import ProfilerApp
from profilednn_tui.tui.panels.flame import FlameView
from tests.tui.conftest import Watch
from tests.tui.feeds import FakeFeed, running_view
from tests.tui.screen_text import screen_text
from tests.unit.flame.graphs import operators


def feed() -> FakeFeed:
    return FakeFeed(replace(running_view(), operators=operators()))


def under_cursor(app: ProfilerApp) -> str:
    box = app.screen.query_one(FlameView).current
    assert box is not None
    return box.node.label.text


@pytest.mark.parametrize("size", [(80, 24), (120, 40), (200, 60)])
async def test_f_shows_the_graph_at_the_operator_under_the_cursor(watch: Watch, size: tuple[int, int]) -> None:
    async with watch(feed(), size) as (app, pilot):
        await pilot.press("f")
        await pilot.pause()
        text = screen_text(app)
        assert "Flame graph" in text
        assert "self time by lines, per step: 145 ns" in text
        assert under_cursor(app) == "aten::mm"
        await pilot.press("up")
        assert under_cursor(app) == "forward"
        await pilot.press("escape")
        await pilot.pause()
        assert "Cores" in screen_text(app) or "1 Steps" in screen_text(app)


async def test_zoom_modules_weights_and_sandwich(watch: Watch) -> None:
    async with watch(feed()) as (app, pilot):
        await pilot.press("f")
        await pilot.pause()
        await pilot.press("up", "z")
        graph = app.screen.query_one(FlameView)
        assert graph.current is not None
        assert graph.current.width == graph.room.width
        await pilot.press("escape", "m")
        await pilot.pause()
        assert "by modules" in screen_text(app)
        await pilot.press("m", ">", ">")
        await pilot.pause()
        assert "calls by lines" in screen_text(app)
        await pilot.press("<", "<", "x")
        await pilot.pause()
        await pilot.press("d")
        await pilot.pause()
        assert "forward only" in screen_text(app)


async def test_enter_on_a_line_opens_the_source_and_on_an_operator_its_screen(watch: Watch) -> None:
    async with watch(feed()) as (app, pilot):
        await pilot.press("f")
        await pilot.pause()
        await pilot.press("up", "enter")
        await pilot.pause()
        assert "y = self.conv(x)" in screen_text(app)
        await pilot.press("escape", "down", "enter")
        await pilot.pause()
        assert "Operators › aten::mm" in screen_text(app)


async def test_a_search_goes_to_matches_and_tells_their_share(watch: Watch) -> None:
    async with watch(feed()) as (app, pilot):
        await pilot.press("f", "slash", *"add_", "enter")
        await pilot.pause()
        assert under_cursor(app) == "aten::add_"
        assert "matches: 10" in screen_text(app)
        await pilot.press("escape")
        await pilot.pause()
        assert "matches" not in screen_text(app), "they stayed marked after the search had been left"


async def test_without_operators_it_says_so(watch: Watch) -> None:
    async with watch(FakeFeed()) as (app, pilot):
        await pilot.press("f")
        await pilot.pause()
        assert "No operators yet" in screen_text(app)
