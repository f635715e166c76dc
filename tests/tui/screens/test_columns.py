"""Choosing the columns of a table."""

from __future__ import annotations

from profilednn_tui.tui.app import ProfilerApp
from profilednn_tui.tui.panels.operators import OperatorsPane
from profilednn_tui.tui.preferences import Preferences
from profilednn_tui.tui.screens.choice import ChoiceScreen
from profilednn_tui.tui.screens.columns import ColumnsScreen, ColumnsView
from tests.tui.conftest import Watch
from tests.tui.feeds import FakeFeed, running_view
from tests.tui.screen_text import screen_text


def titles(app: ProfilerApp) -> tuple[str, ...]:
    pane = app.screen_stack[0].query_one(OperatorsPane)
    return tuple(column.title for column in pane.chosen_columns)


async def test_columns_go_and_come_back_at_once(watch: Watch) -> None:
    async with watch(FakeFeed(running_view()), (200, 60)) as (app, pilot):
        everything = titles(app)
        await pilot.press("C")
        await pilot.pause()
        assert isinstance(app.screen, ColumnsScreen)
        assert [row.title for row in app.screen.query_one(ColumnsView).rows] == list(everything[1:])
        await pilot.press("space", "down", "enter")
        await pilot.pause()
        assert titles(app) == (everything[0], *everything[3:])
        assert "·  input shapes" in screen_text(app)
        assert "✓  self ms" in screen_text(app)
        await pilot.press("up", "space", "escape")
        await pilot.pause()
        assert not isinstance(app.screen, ColumnsScreen)
        assert titles(app) == (*everything[:2], *everything[3:])
        assert "pass" not in screen_text(app)


async def test_columns_are_remembered_and_come_back(watch: Watch) -> None:
    kept: list[Preferences] = []
    before = Preferences(hidden_columns={"modules": ("class",), "operators": ("of another version",)})
    async with watch(FakeFeed(running_view()), preferences=before, remember=kept.append) as (app, pilot):
        await pilot.press("C", "space", "C")
        await pilot.pause()
        assert not isinstance(app.screen, ColumnsScreen)
    assert kept[-1].hidden_columns == {
        "modules": ("class",),
        "operators": ("input shapes", "of another version"),
    }
    async with watch(FakeFeed(running_view()), preferences=kept[-1]) as (app, pilot):
        assert "input shapes" not in titles(app)
        await pilot.press("C", "space", "escape")
        await pilot.pause()
        assert "input shapes" in titles(app)


async def test_hiding_columns_makes_room_for_others(watch: Watch) -> None:
    async with watch(FakeFeed(running_view()), (80, 24)) as (app, pilot):
        assert "total ms" not in screen_text(app)
        hidden = ("input shapes", "pass", "calls", "share %", "history")
        app.query_one(OperatorsPane).hide_columns(hidden)
        await pilot.pause()
        assert "total ms" in screen_text(app)
        assert "avg ms" in screen_text(app)


async def test_a_table_without_titles_has_nothing_to_choose(watch: Watch) -> None:
    async with watch(FakeFeed(running_view())) as (app, pilot):
        await pilot.press("q")
        await pilot.pause()
        assert isinstance(app.screen, ChoiceScreen)
        await pilot.press("C")
        await pilot.pause()
        assert isinstance(app.screen, ChoiceScreen)
