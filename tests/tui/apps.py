"""The app with a session written by hand."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from textual.pilot import Pilot

from profilednn_tui.export.comparison.report import Report
from profilednn_tui.launch.optimizations import OptimizationDescription
from profilednn_tui.session.view import SessionView
from profilednn_tui.tui.app import ProfilerApp
from profilednn_tui.tui.screens.optimizations import OptimizationsScreen
from profilednn_tui.tui.screens.runs import RunChoice
from tests.tui.feeds import FakeFeed, running_view
from tests.tui.screen_text import screen_text

OFFERS = (
    OptimizationDescription("bf16", "bfloat16 arithmetic", (), False, "this processor has none", "use another machine"),
    OptimizationDescription("channels_last", "images with channels last", (), False, "", ""),
    OptimizationDescription("compile", "torch.compile", ("ipex",), False, "", ""),
    OptimizationDescription("ipex", "Intel's extension", (), False, "", ""),
)


def save_nothing(name: str, path: Path) -> None:
    """A stand-in for the export."""


def app_with_optimizations(feed: FakeFeed) -> ProfilerApp:
    return ProfilerApp(feed, True, save_nothing, check=lambda: OFFERS, optimizations=("channels_last",))


async def open_optimizations(app: ProfilerApp, pilot: Pilot[None]) -> None:
    """Open the screen and wait for the target's interpreter and the rules to answer, in their threads."""
    await pilot.press("o")
    for _ in range(100):
        await app.workers.wait_for_complete()
        await pilot.pause(0.02)
        advised = app.advising.findings.advice is not None
        if advised and isinstance(app.screen, OptimizationsScreen) and OFFERS[0].reason in screen_text(app):
            return
    raise AssertionError("the optimizations were not checked, or the rules not asked")


def app_with_comparisons(report: Report | None = None, choices: tuple[RunChoice, ...] = ()) -> ProfilerApp:
    def offered(view: SessionView) -> tuple[RunChoice, ...]:
        return choices

    return ProfilerApp(FakeFeed(running_view()), False, save_nothing, offered, report)


@asynccontextmanager
async def following(
    app: ProfilerApp, size: tuple[int, int] = (120, 40)
) -> AsyncIterator[tuple[ProfilerApp, Pilot[None]]]:
    """The app in a terminal of this size, after its first refresh of the session."""
    async with app.run_test(size=size, notifications=True) as pilot:
        await pilot.pause()
        app.follow_once()
        await pilot.pause()
        yield app, pilot
