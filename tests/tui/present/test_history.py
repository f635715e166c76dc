"""The step chart."""

from __future__ import annotations

from dataclasses import replace

import pytest

from profilednn_tui.protocol.events import StepsEvent
from profilednn_tui.tui.present import history
from profilednn_tui.tui.renderables.line import line_width
from tests.tui.feeds import running_view, steps


def test_bins_keep_their_steps_so_that_columns_move_as_a_whole() -> None:
    before = history.bins(steps(101), 10, 50)
    after = history.bins(steps(109), 10, 50)
    assert [item.first for item in before] == [item.first for item in after]
    assert before[:-1] == after[:-1]


def test_profiled_steps_do_not_distort_their_column() -> None:
    slow = steps(10)
    phases = (*slow.phases_ns[:4], tuple(part * 9 for part in slow.phases_ns[4]), *slow.phases_ns[5:])
    slow = replace(slow, phases_ns=phases, flags=(0, 0, 0, 0, StepsEvent.PROFILED, 0, 0, 0, 0, 0))
    (column,) = history.bins(slow, 16, 5)
    assert column.profiled
    assert column.duration_ns == pytest.approx(slow.durations_ns[0])


def test_fast_steps_share_a_column_and_slow_ones_have_their_own() -> None:
    assert history.steps_per_column(steps(10, 1.0), 0) == 128
    assert history.steps_per_column(steps(10, 300.0), 0) == 1
    assert history.steps_per_column(steps(10, 300.0), 2) == 4
    assert history.steps_per_column(steps(10, 300.0), -5) == 1


@pytest.mark.parametrize(("width", "height"), [(40, 4), (76, 6), (120, 13), (20, 3)])
def test_the_history_fits_its_pane(width: int, height: int) -> None:
    lines = history.history_lines(running_view(), width, height)
    assert len(lines) == height
    assert all(line_width(line) <= width for line in lines[:-1])


def test_a_loss_that_is_not_a_number_leaves_a_gap() -> None:
    view = replace(running_view(), steps=replace(steps(3), losses=(1.0, float("nan"), None)))
    assert history.bins(view.steps, 1, 3)[1].loss is None


@pytest.mark.parametrize(("count", "zoom", "text"), [(20, -3, "one step per column"), (20, 0, "8 steps per column")])
def test_the_subtitle_says_how_many_steps_a_column_has(count: int, zoom: int, text: str) -> None:
    """It said "a column is a step"."""
    assert history.subtitle(replace(running_view(), steps=steps(count)), zoom).startswith(text)
