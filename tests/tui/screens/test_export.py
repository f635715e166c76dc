"""The export dialog."""

from __future__ import annotations

from pathlib import Path

from profilednn_tui.tui.screens.export import ExportScreen
from tests.tui.conftest import Watch
from tests.tui.feeds import FakeFeed, running_view


async def test_export_writes_the_chosen_format(watch: Watch, saved: list[tuple[str, Path]]) -> None:
    async with watch(FakeFeed(running_view())) as (app, pilot):
        await pilot.press("E")
        await pilot.pause()
        assert isinstance(app.screen, ExportScreen)
        await pilot.press("down")
        await pilot.pause()
        await pilot.press("enter", "enter")
        await pilot.pause()
        assert saved == [("json", Path("train.json"))]
