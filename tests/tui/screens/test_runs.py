"""The run list."""

from __future__ import annotations

import numpy as np

from profilednn_tui.compare.ablation import contributions
from profilednn_tui.export.comparison.report import Report
from tests.tui.apps import app_with_comparisons, following
from tests.tui.comparisons import comparison, related
from tests.tui.screen_text import screen_text
from tests.unit.compare.sides import settled


async def test_the_variants_of_an_experiment_are_a_list_with_verdicts() -> None:
    steps = {name: [settled(np.full(9, ns))] * 4 for name, ns in (("stock", 2.0), ("all", 1.0), ("only-bf16", 1.1))}
    ablation = contributions(("bf16", "fused"), {**steps, "only-fused": [settled(np.full(9, 1.8))] * 4})
    report = Report("tuning", (comparison("fast"), comparison("same", 20)), ablation, ("2 runs are missing",))
    async with following(app_with_comparisons(report)) as (app, pilot):
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


async def test_c_lists_earlier_runs_and_what_came_of_the_comparison() -> None:
    choices = (related("yesterday", comparison()), related("broken", None))
    async with following(app_with_comparisons(choices=choices)) as (app, pilot):
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
    async with following(app_with_comparisons()) as (app, pilot):
        await pilot.press("c")
        await pilot.pause()
        assert "No other run of this script" in screen_text(app)
