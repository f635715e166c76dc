"""The operator pane."""

from __future__ import annotations

from dataclasses import replace

from tests.tui.conftest import Watch
from tests.tui.feeds import FakeFeed, running_view
from tests.tui.screen_text import screen_text


async def test_m_merges_the_shapes_of_an_operator(watch: Watch) -> None:
    view = running_view(operators=3)
    other = replace(view.operators.rows[1], key=replace(view.operators.rows[1].key, input_shapes="[[1, 1]]"))
    view = replace(view, operators=replace(view.operators, rows=(*view.operators.rows, other)))
    async with watch(FakeFeed(view), (160, 45)) as (app, pilot):
        await pilot.press("m")
        await pilot.pause()
        text = screen_text(app)
        assert "2 shapes" in text
        assert "3 operators" in text
        await pilot.press("enter")
        await pilot.pause()
        assert "Operators › aten::mm" in screen_text(app)
        assert "self 100.0 ms" in screen_text(app)


async def test_y_copies_the_row(watch: Watch) -> None:
    async with watch(FakeFeed(running_view())) as (app, pilot):
        await pilot.press("y")
        await pilot.pause()
        assert app.clipboard.startswith("aten::convolution_backward\t")
