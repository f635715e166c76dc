"""The screen of ranks."""

from __future__ import annotations

from tests.tui.conftest import Watch
from tests.tui.feeds import FakeFeed
from tests.tui.present.test_ranks import CRASH, view_of
from tests.tui.screen_text import screen_lines, screen_text


async def test_the_screen_tells_who_is_late_who_died_and_how_each_rank_ended(watch: Watch) -> None:
    async with watch(FakeFeed(view_of(None, CRASH, lives=3)), size=(160, 30)) as (app, pilot):
        await pilot.press("R")
        await pilot.pause()
        text = screen_text(app)
        assert "2 ranks, rank 1 late by" in text
        assert "third life, 2 ranks, 40 steps: rank 1 died first" in text
        assert "first life, 2 ranks, 9 steps" in text
        row = next(line for line in screen_lines(app) if "RuntimeError" in line and "life" not in line)
        assert "node-boot" in row
