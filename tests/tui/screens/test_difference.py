"""The flame graph of two sides on the screen."""

from __future__ import annotations

from dataclasses import replace

import pytest

from profilednn_tui.compare.comparison import compare
from profilednn_tui.compare.runs import Run, Side
from profilednn_tui.flame.difference import Layout
from profilednn_tui.session.open_session import SourceFile
from profilednn_tui.session.view import EMPTY_VIEW, SessionView
from profilednn_tui.tui.panels.difference import DifferenceView
from profilednn_tui.tui.screens.difference import DifferenceScreen
from tests.tui.conftest import Watch
from tests.tui.feeds import FakeFeed
from tests.tui.screen_text import screen_text
from tests.unit.flame.test_difference import scaled


def side(name: str, factor: float, runs: int) -> Side:
    """Runs that vary by a percent."""
    views = [scaled(factor * (1 + 0.01 * (number % 2))) for number in range(runs)]
    return Side(name, tuple(Run(f"{name}-{n}", view, turn=("e", n)) for n, view in enumerate(views)))


def screen(factor: float, runs: int) -> DifferenceScreen:
    comparison = compare(side("before", 1.0, runs), side("after", factor, runs))
    # Whether the steps can be compared is not the question here.
    verdict = compare(side("before", 1.0, 1), side("after", 1.0, 1)).verdict
    comparison = replace(comparison, verdict=replace(verdict, outcome=type(verdict.outcome).NOT_JUDGED))
    return DifferenceScreen(comparison, lambda run, file: SourceFile(file))


@pytest.mark.parametrize("size", [(80, 24), (120, 40), (200, 60)])
async def test_what_has_grown_is_coloured_and_nothing_else(watch: Watch, size: tuple[int, int]) -> None:
    async with watch(FakeFeed(), size) as (app, pilot):
        one = screen(1.5, 8)
        await app.push_screen(one)
        await pilot.pause()
        view = one.query_one(DifferenceView)
        changed = {path[-1].text for path, delta in view.difference.nodes.items() if path and delta.changed}
        assert "aten::mm" in changed
        text = screen_text(app)
        assert "nodes have changed" in text
        assert "\u25b2" in text
        assert "all grey" not in text


@pytest.mark.parametrize("size", [(80, 24), (160, 40)])
async def test_one_run_per_side_is_all_grey_and_says_why(watch: Watch, size: tuple[int, int]) -> None:
    async with watch(FakeFeed(), size) as (app, pilot):
        one = screen(1.5, 1)
        await app.push_screen(one)
        await pilot.pause()
        assert not any(delta.changed for delta in one.query_one(DifferenceView).difference.nodes.values())
        text = " ".join(screen_text(app).split())
        assert "all grey: one run per side cannot tell how much a part varies: 4 are needed" in text
        assert "\u25b2" not in screen_text(app)


async def test_keys_choose_side_shape_and_node(watch: Watch) -> None:
    async with watch(FakeFeed(), (120, 40)) as (app, pilot):
        one = screen(1.5, 8)
        await app.push_screen(one)
        await pilot.pause()
        view = one.query_one(DifferenceView)
        await pilot.press("b")
        assert view.side is Layout.BEFORE
        await pilot.press("b", "m", "m", ">", "<", "x", "slash", *"mm", "enter")
        await pilot.pause()
        assert "aten::mm" in screen_text(app)
        await pilot.press("z", "escape", "escape", "escape")
        await pilot.pause()
        assert app.screen is not one


async def test_sessions_without_windows_have_a_message(watch: Watch) -> None:
    empty: SessionView = EMPTY_VIEW
    comparison = compare(Side("a", (Run("a", empty),)), Side("b", (Run("b", empty),)))
    async with watch(FakeFeed(), (120, 40)) as (app, pilot):
        await app.push_screen(DifferenceScreen(comparison, lambda run, file: SourceFile(file)))
        await pilot.pause()
        assert "No operators on both sides" in screen_text(app)
