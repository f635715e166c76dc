"""The compare screen and the run list."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from functools import partial

import numpy as np
import pytest
from textual.pilot import Pilot

from profilednn_tui.compare.ablation import contributions
from profilednn_tui.compare.comparison import Comparison, compare
from profilednn_tui.compare.runs import Run, Side
from profilednn_tui.errors import ProfilerError
from profilednn_tui.export.comparison.report import Report
from profilednn_tui.session.view import Memory, Operators, SessionView
from profilednn_tui.tui.app import ProfilerApp
from profilednn_tui.tui.present.comparison import RunRow
from profilednn_tui.tui.screens.runs import RunChoice
from tests.tui.feeds import FakeFeed, operator, running_view
from tests.tui.screen_text import screen_text
from tests.unit.compare.sides import MS, noisy, run, settled

LOSSES = [2.0 / number for number in range(1, 61)]


def side(name: str, step_ms: float, *rows: tuple[str, float], losses: list[float] = LOSSES) -> Side:
    found = Operators(windows=(1,), rows=tuple(operator(row, ms) for row, ms in rows), stacks=True)
    generator = np.random.default_rng(round(step_ms))
    runs = (
        run(f"{name}-{number}", list(noisy(generator, 60, step_ms * MS)), losses, operators=found,
            memory=Memory(peak_rss_bytes=800_000_000))
        for number in range(4)
    )  # fmt: skip
    return Side(name, tuple(runs))


def comparison(candidate: str = "fast", step_ms: float = 12, losses: list[float] = LOSSES) -> Comparison:
    before = side("stock", 20, ("aten::conv2d", 9.0), ("aten::log", 3.0))
    return compare(before, side(candidate, step_ms, ("aten::conv2d", 4.0), ("ours::focal", 1.0), losses=losses))


@asynccontextmanager
async def screens(
    report: Report | None = None, choices: tuple[RunChoice, ...] = (), size: tuple[int, int] = (120, 40)
) -> AsyncIterator[tuple[ProfilerApp, Pilot[None]]]:
    def offered(view: SessionView) -> tuple[RunChoice, ...]:
        return choices

    app = ProfilerApp(FakeFeed(running_view()), False, lambda name, path: None, offered, report)
    async with app.run_test(size=size, notifications=True) as pilot:
        await pilot.pause()
        app.follow_once()
        await pilot.pause()
        yield app, pilot


async def test_both_sides_stand_next_to_each_other() -> None:
    async with screens(Report("x", (comparison(),))) as (app, _):
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
    async with screens(Report("x", (comparison(losses=wrong),)), size=(200, 60)) as (app, pilot):
        assert "losses  drifting from step 1" in screen_text(app)
        await pilot.press("7")
        await pilot.pause()
        assert "the training is another one" in screen_text(app)


async def test_enter_leads_to_the_lines_of_both_sides_and_back() -> None:
    async with screens(Report("x", (comparison(),))) as (app, pilot):
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
    async with screens(Report("x", (comparison(),))) as (app, pilot):
        await pilot.press("down", "enter")  # the one that is gone
        await pilot.pause()
        assert "Compare › stock › aten::log" in screen_text(app)
        await pilot.press("tab")
        await pilot.pause()
        assert "Compare › stock › aten::log" in screen_text(app)
        assert any("other side does not have" in notification.message for notification in app._notifications)


@pytest.mark.parametrize(("number", "title"), [(1, "Step times"), (3, "Phases"), (5, "Losses"), (6, "Modules")])
async def test_a_small_terminal_shows_one_part_at_a_time(number: int, title: str) -> None:
    async with screens(Report("x", (comparison(),)), size=(80, 24)) as (app, pilot):
        assert "2 Operators" in screen_text(app)
        await pilot.press(str(number))
        await pilot.pause()
        text = screen_text(app)
        assert f"{number} {title}" in text
        assert "2 Operators" not in text


async def test_the_variants_of_an_experiment_are_a_list_with_verdicts() -> None:
    steps = {name: [settled(np.full(9, ns))] * 4 for name, ns in (("stock", 2.0), ("all", 1.0), ("only-bf16", 1.1))}
    ablation = contributions(("bf16", "fused"), {**steps, "only-fused": [settled(np.full(9, 1.8))] * 4})
    report = Report("tuning", (comparison("fast"), comparison("same", 20)), ablation, ("2 runs are missing",))
    async with screens(report) as (app, pilot):
        await app.workers.wait_for_complete()
        await pilot.pause()
        text = screen_text(app)
        assert "Compare › tuning" in text
        assert "faster -" in text
        assert "no detectable difference" in text
        assert "bf16                     0.556 (0.556 to 0.556)     0.550 (0.550 to 0.550)" in text
        assert "'alone' multiplies to 0.495, -1.0 % off the total" in text
        assert "2 runs are missing" in text
        await pilot.press("enter")
        await pilot.pause()
        assert "Compare › fast against stock" in screen_text(app)


def related(key: str, compared: Comparison | None) -> RunChoice:
    def answer(found: Comparison | None) -> Comparison:
        if found is None:
            raise ProfilerError("its recording is damaged")
        return found

    return RunChoice(RunRow(key, key, "bf16", "3 h 12 min"), partial(answer, compared))


async def test_c_lists_earlier_runs_and_what_came_of_the_comparison() -> None:
    choices = (related("yesterday", comparison()), related("broken", None))
    async with screens(choices=choices) as (app, pilot):
        await pilot.press("c")
        await pilot.pause()
        await app.workers.wait_for_complete()
        await pilot.pause()
        text = screen_text(app)
        assert "Compare › train.py against" in text
        assert "yesterday" in text
        assert "bf16" in text
        assert "its recording is damaged" in text
        await pilot.press("enter")
        await pilot.pause()
        assert "Compare › fast against stock" in screen_text(app)


async def test_without_another_run_the_list_says_how_to_get_one() -> None:
    async with screens() as (app, pilot):
        await pilot.press("c")
        await pilot.pause()
        assert "No other run of this script" in screen_text(app)


async def test_a_comparison_without_steps_or_operators_is_a_screen_too() -> None:
    empty = Side("B", (replace(Run("B", running_view(0, 2)), data_shapes=()),))
    found = compare(side("A", 20), empty)
    async with screens(Report("x", (found,))) as (app, _):
        text = screen_text(app)
    assert "verdict not comparable: " in text
    assert "No steps to show" not in text  # the other side has some
