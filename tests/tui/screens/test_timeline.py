"""The timeline on the screen."""

from __future__ import annotations

from dataclasses import replace

import pytest

from profilednn_tui.tui.app import ProfilerApp
from profilednn_tui.tui.panels.timeline import TimelineView
from profilednn_tui.tui.screens.timeline import TimelineScreen
from tests.tui.conftest import Watch
from tests.tui.feeds import FakeFeed, running_view
from tests.tui.screen_text import screen_text
from tests.unit.timeline.traces import BACKWARD, FORWARD, trace

MS = 1_000_000


def window(number: int) -> object:
    return trace(
        [
            ("aten::linear", 1 * MS, 4 * MS),
            ("aten::addmm", 2 * MS, 3 * MS),
            ("aten::relu", 5 * MS, 6 * MS),
            ("aten::mm_backward", 7 * MS, 9 * MS),
        ],
        [(0, -1), (6 * MS, FORWARD), (10 * MS, BACKWARD)],
        uses=[("matmul brgemm", 2 * MS, 3 * MS)],
        window=number,
        step=10 * number,
    )


def feed(*numbers: int) -> FakeFeed:
    made = FakeFeed(replace(running_view(), window_numbers=tuple(range(1, 10))))
    made.traces = {number: window(number) for number in numbers}  # type: ignore[misc]
    return made


def chosen(app: ProfilerApp) -> str:
    view = app.screen.query_one(TimelineView)
    assert view.trace is not None
    return view.trace.name(view.call)


@pytest.mark.parametrize("size", [(80, 24), (120, 40), (200, 60)])
async def test_v_shows_the_newest_window_in_time(watch: Watch, size: tuple[int, int]) -> None:
    async with watch(feed(2, 3), size) as (app, pilot):
        await pilot.press("v")
        await pilot.pause()
        text = screen_text(app)
        assert "Timeline" in text
        assert "step 30  window 3  10.0 ms  4 calls" in text
        assert "phases" in text
        assert "forward" in text
        assert "linear" in text
        assert "oneDNN" in text
        assert "window 10.0 ms  busy 6.00 ms (60 %)  4 gaps 4.00 ms" in text
        assert chosen(app) == "aten::linear"


async def test_arrows_go_from_call_to_call_and_into_calls(watch: Watch) -> None:
    async with watch(feed(3)) as (app, pilot):
        await pilot.press("v")
        await pilot.pause()
        await pilot.press("down")
        assert chosen(app) == "aten::addmm"
        await pilot.press("up", "right")
        assert chosen(app) == "aten::relu"
        await pilot.press("end")
        assert chosen(app) == "aten::mm_backward"
        await pilot.press("home")
        assert chosen(app) == "aten::linear"


async def test_zooming_to_a_call_and_back(watch: Watch) -> None:
    async with watch(feed(3)) as (app, pilot):
        await pilot.press("v")
        await pilot.pause()
        view = app.screen.query_one(TimelineView)
        await pilot.press("down", "z")
        assert view.viewport.span_ns == pytest.approx(1 * MS / 0.6)
        for _ in range(30):
            await pilot.press("plus")
        assert view.viewport.span_ns == pytest.approx(1_000), "a microsecond at least"
        await pilot.press("L")
        await pilot.press("escape")
        assert view.viewport.span_ns == pytest.approx(10 * MS)
        await pilot.press("minus")
        assert "step" in screen_text(app)
        await pilot.press("escape", "escape")
        await pilot.pause()
        assert not isinstance(app.screen, TimelineScreen)


async def test_a_stretch_is_summed_up_and_filters_all_panes(watch: Watch) -> None:
    async with watch(feed(3), (120, 40)) as (app, pilot):
        await pilot.press("v")
        await pilot.pause()
        await pilot.press("m", "right", "m")
        await pilot.pause()
        text = screen_text(app)
        assert "stretch 5.00 ms  busy 4.00 ms (80 %)  1 gaps 1.00 ms" in text
        assert "5.00 ms OF STEP 30" in text
        names = [row.key.name for row in app.following.shown.operators.rows]
        assert names == ["aten::linear", "aten::addmm", "aten::relu"]
        await pilot.press("m")
        await pilot.pause()
        assert "OF STEP" not in screen_text(app)
        assert app.following.shown.operators.rows != ()
        assert "aten::mm_backward" not in names


async def test_windows_are_stepped_through(watch: Watch) -> None:
    async with watch(feed(2, 3)) as (app, pilot):
        await pilot.press("v")
        await pilot.pause()
        await pilot.press("[")
        await pilot.pause()
        assert "step 20  window 2 (newest: 3)" in screen_text(app)
        await pilot.press("[")
        await pilot.pause()
        assert "step 20  window 2" in screen_text(app)
        await pilot.press("]")
        await pilot.pause()
        assert "step 30  window 3" in screen_text(app)


async def test_search_goes_to_a_call(watch: Watch) -> None:
    async with watch(feed(3)) as (app, pilot):
        await pilot.press("v")
        await pilot.pause()
        await pilot.press("slash", *"relu", "enter")
        await pilot.pause()
        assert chosen(app) == "aten::relu"


async def test_without_kept_calls_the_screen_says_why(watch: Watch) -> None:
    async with watch(feed()) as (app, pilot):
        await pilot.press("v")
        await pilot.pause()
        assert "The calls of these windows are not here" in screen_text(app)
        await pilot.press("left", "down", "m", "enter", "z", "plus", "y", "e")
        await pilot.press("escape")
        await pilot.pause()
        assert not isinstance(app.screen, TimelineScreen)
