"""The compare screen."""

from __future__ import annotations

from dataclasses import replace

import pytest

from profilednn_tui.compare.comparison import compare
from profilednn_tui.compare.runs import Run, Side
from profilednn_tui.export.comparison.report import Report
from tests.tui.apps import app_with_comparisons, following
from tests.tui.comparisons import LOSSES, comparison, side
from tests.tui.feeds import running_view
from tests.tui.screen_text import screen_text


async def test_both_sides_stand_next_to_each_other() -> None:
    async with following(app_with_comparisons(Report("x", (comparison(),)))) as (app, _):
        text = screen_text(app)
    assert "Compare › fast against stock" in text
    assert "verdict faster: step time -" in text
    assert "losses  same, to the last digit" in text
    assert "1 Step times, ms" in text
    assert "conv2d" in text
    assert "log" in text
    assert "800.0 MB -> " in text
    assert "backward" in text


async def test_another_training_is_told_beside_the_speedup() -> None:
    wrong = [loss * 1.4 for loss in LOSSES]
    async with following(app_with_comparisons(Report("x", (comparison(losses=wrong),))), (200, 60)) as (app, pilot):
        assert "losses  drifting from step 1" in screen_text(app)
        await pilot.press("7")
        await pilot.pause()
        assert "the candidate trains differently" in screen_text(app)


async def test_enter_leads_to_the_lines_of_both_sides_and_back() -> None:
    async with following(app_with_comparisons(Report("x", (comparison(),)))) as (app, pilot):
        await pilot.press("enter")
        await pilot.pause()
        text = screen_text(app)
        assert "Compare › fast › aten::conv2d" in text
        assert "me/model.py:4" in text
        await pilot.press("tab")
        await pilot.pause()
        text = screen_text(app)
        assert "Compare › stock › aten::conv2d" in text
        assert "9.00 ms" in text
        await pilot.press("escape")
        await pilot.pause()
        assert "Compare › fast against stock" in screen_text(app)
        await pilot.press("escape")
        await pilot.pause()
        assert "3 Cores" in screen_text(app)


async def test_an_operator_of_one_side_alone_says_so() -> None:
    async with following(app_with_comparisons(Report("x", (comparison(),)))) as (app, pilot):
        await pilot.press("down", "enter")  # the operator that is gone
        await pilot.pause()
        assert "Compare › stock › aten::log" in screen_text(app)
        await pilot.press("tab")
        await pilot.pause()
        assert "Compare › stock › aten::log" in screen_text(app)
        assert any("other side does not have" in notification.message for notification in app._notifications)


@pytest.mark.parametrize(("number", "title"), [(1, "Step times"), (3, "Phases"), (5, "Losses"), (6, "Modules")])
async def test_a_small_terminal_shows_one_part_at_a_time(number: int, title: str) -> None:
    async with following(app_with_comparisons(Report("x", (comparison(),))), (80, 24)) as (app, pilot):
        assert "2 Operators" in screen_text(app)
        await pilot.press(str(number))
        await pilot.pause()
        text = screen_text(app)
        assert f"{number} {title}" in text
        assert "2 Operators" not in text


async def test_a_comparison_without_steps_or_operators_is_a_screen_too() -> None:
    empty = Side("B", (replace(Run("B", running_view(0, 2)), data_shapes=()),))
    found = compare(side("A", 20), empty)
    async with following(app_with_comparisons(Report("x", (found,)))) as (app, _):
        text = screen_text(app)
    assert "verdict not comparable: " in text
    assert "No steps to show" not in text  # the other side has some
