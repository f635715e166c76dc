"""The breakdown of oneDNN's time."""

from __future__ import annotations

from dataclasses import replace

from profilednn_tui.session.view import Notice
from tests.tui.conftest import Watch
from tests.tui.feeds import FakeFeed, running_view, view_with_primitives
from tests.tui.screen_text import screen_text


async def test_d_breaks_down_onednns_time_and_b_groups_otherwise(watch: Watch) -> None:
    async with watch(FakeFeed(view_with_primitives())) as (app, pilot):
        await pilot.press("d")
        await pilot.pause()
        text = screen_text(app)
        assert "oneDNN 4.00 ms per step in 5 calls" in text
        assert "convolution FWD_D" in text
        assert "By primitive · direction" in text
        await pilot.press("b", "b")
        await pilot.pause()
        assert "convolution FWD_D mb1" in screen_text(app)
        await pilot.press("escape")
        await pilot.pause()
        assert "2 Operators" in screen_text(app)


async def test_an_operator_tells_what_onednn_ran_inside(watch: Watch) -> None:
    async with watch(FakeFeed(view_with_primitives())) as (app, pilot):
        await pilot.press("enter")
        await pilot.pause()
        assert "oneDNN 3.75 ms per step in 4 calls" in screen_text(app)
        await pilot.press("d")
        await pilot.pause()
        text = screen_text(app)
        assert "jit:avx512_core convolution" in text
        assert "› oneDNN primitives" in text


async def test_without_primitives_the_reason_is_told(watch: Watch) -> None:
    notice = Notice("info", "no_primitives", "no oneDNN primitives: this torch was built without oneDNN")
    async with watch(FakeFeed(replace(running_view(), notices=(notice,)))) as (app, pilot):
        await pilot.press("d")
        await pilot.pause()
        assert "this torch was built without oneDNN" in screen_text(app)
