"""Enabling optimizations."""

from __future__ import annotations

from profilednn_tui.errors import ProfilerError
from profilednn_tui.launch.optimizations import OptimizationDescription
from profilednn_tui.tui.app import ProfilerApp
from profilednn_tui.tui.screens.optimizations import OptimizationsView
from tests.tui.apps import app_with_optimizations, open_optimizations, save_nothing
from tests.tui.feeds import FakeFeed, optimized_view
from tests.tui.screen_text import screen_text


async def test_the_pane_tells_availability_and_the_receipts_of_this_run() -> None:
    app = app_with_optimizations(FakeFeed(optimized_view()))
    async with app.run_test(size=(120, 40), notifications=True) as pilot:
        await open_optimizations(app, pilot)
        app.follow_once()
        await pilot.pause()
        text = screen_text(app)
    assert "this processor has none" in text
    assert "[x]" in text
    assert "on 53 convolution weights" in text


async def test_what_is_not_available_or_conflicts_cannot_be_chosen() -> None:
    app = app_with_optimizations(FakeFeed(optimized_view()))
    async with app.run_test(size=(120, 40), notifications=True) as pilot:
        await open_optimizations(app, pilot)
        await pilot.press("G", "space")
        assert "bf16 is not available" in screen_text(app)
        assert "use another machine" in screen_text(app), "the fix of the row under the cursor"
        await pilot.press("g", "space", "j", "j", "space")
        await pilot.pause()
        assert "ipex cannot be on together with compile" in screen_text(app)
        await pilot.press("r")
        await pilot.pause()
        assert "with channels_last, compile" in screen_text(app)


async def test_a_choice_stays_when_the_screen_is_opened_again() -> None:
    app = app_with_optimizations(FakeFeed(optimized_view()))
    async with app.run_test(size=(120, 40), notifications=True) as pilot:
        await open_optimizations(app, pilot)
        await pilot.press("space", "j", "space")
        await pilot.pause()
        assert app.rerunning.chosen == {"compile"}
        await pilot.press("escape")
        await open_optimizations(app, pilot)
        assert [line.split()[2] for line in screen_text(app).splitlines() if "[x]" in line] == ["compile"]


async def test_the_header_names_what_is_switched_on() -> None:
    app = app_with_optimizations(FakeFeed(optimized_view()))
    async with app.run_test(size=(120, 40)) as pilot:
        app.follow_once()
        await pilot.pause()
        assert "train.py +channels_last" in screen_text(app)


async def test_a_check_that_fails_ends_with_its_reason() -> None:
    """The rows said "being checked" forever."""

    def check() -> tuple[OptimizationDescription, ...]:
        raise ProfilerError("The interpreter cannot import torch.")

    app = ProfilerApp(FakeFeed(optimized_view()), True, save_nothing, check=check)
    async with app.run_test(size=(120, 40), notifications=True) as pilot:
        await pilot.press("o")
        for _ in range(100):
            await app.workers.wait_for_complete()
            await pilot.pause(0.02)
            if "The interpreter cannot import torch." in screen_text(app):
                break
        assert "not known: The interpreter cannot import torch." in screen_text(app)
        assert "being checked" not in screen_text(app)


async def test_what_findings_ask_for_comes_first_and_what_cannot_help_last() -> None:
    app = app_with_optimizations(FakeFeed(optimized_view()))
    async with app.run_test(size=(120, 40), notifications=True) as pilot:
        await open_optimizations(app, pilot)
        names = [row.name for row in app.screen.query_one(OptimizationsView).rows]
        assert names == ["compile", "channels_last", "ipex", "bf16"]
        text = screen_text(app)
        assert "57 %" in next(line for line in text.splitlines() if "compile" in line)
        assert "no operator runs: at most 57 % of the step" in text, "the finding behind the row under the cursor"
