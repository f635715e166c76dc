"""Rows of a table that are left out."""

from __future__ import annotations

from profilednn_tui.tui.app import ProfilerApp
from profilednn_tui.tui.panels.operators import OperatorsPane
from tests.tui.conftest import Watch
from tests.tui.feeds import FakeFeed, running_view
from tests.tui.screen_text import screen_text


def names(app: ProfilerApp) -> list[str]:
    """What the rows are filtered by."""
    pane = app.screen.query_one(OperatorsPane)
    return [pane.row_text(row) for row in pane.rows]


async def test_a_filter_leaves_rows_out_until_escape(watch: Watch) -> None:
    async with watch(FakeFeed(running_view()), (120, 40)) as (app, pilot):
        everyone = names(app)
        assert len(everyone) > 2
        await pilot.press("backslash", *"conv")
        await pilot.pause()
        assert 0 < len(names(app)) < len(everyone)
        assert all("conv" in name for name in names(app))
        await pilot.press("enter")
        await pilot.pause()
        assert f"\\conv: {len(names(app))} of {len(everyone)}" in screen_text(app)
        await pilot.press("escape")
        await pilot.pause()
        assert names(app) == everyone
        assert "\\conv" not in screen_text(app)


async def test_a_cancelled_filter_changes_nothing(watch: Watch) -> None:
    async with watch(FakeFeed(running_view()), (120, 40)) as (app, pilot):
        everyone = names(app)
        await pilot.press("backslash", *"conv", "enter", "backslash", *"zzz")
        await pilot.pause()
        assert names(app) == []
        await pilot.press("escape")
        await pilot.pause()
        assert 0 < len(names(app)) < len(everyone)
        assert all("conv" in name for name in names(app))


async def test_what_is_no_table_says_so(watch: Watch) -> None:
    async with watch(FakeFeed(running_view()), (120, 40)) as (app, pilot):
        await pilot.press("1", "backslash")
        await pilot.pause()
        assert not app.screen.has_class("-asking")
