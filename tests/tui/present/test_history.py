"""The step chart."""

from __future__ import annotations

from dataclasses import replace

import pytest

from profilednn_tui.protocol.events import StepsEvent
from profilednn_tui.session.model.steps import StepSeries
from profilednn_tui.session.view import SessionView
from profilednn_tui.tui.present import history
from profilednn_tui.tui.renderables.columns import PEAK
from profilednn_tui.tui.renderables.line import line_width, plain
from tests.tui.feeds import fast_steps, running_view, sampled_view, steps
from tests.tui.screen_text import lines_text
from tests.unit.session import recordings


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
    assert history.steps_per_column(steps(10_000, 1.0), 0) == 128
    assert history.steps_per_column(steps(10, 300.0), 0) == 1
    assert history.steps_per_column(steps(10, 300.0), 2) == 4
    assert history.steps_per_column(steps(10, 300.0), -5) == 1


def test_a_short_run_of_fast_steps_is_no_single_column() -> None:
    """20 steps of 1 ms were a density of one column."""
    assert history.scale_for(steps(20, 1.0), 0) == history.Scale(1)
    assert history.scale_for(steps(200, 1.0), 0) == history.Scale(4)


@pytest.mark.parametrize("view", [running_view(), sampled_view()], ids=["phases", "density"])
@pytest.mark.parametrize(("width", "height"), [(40, 4), (76, 6), (120, 13), (20, 3), (60, 9), (196, 50)])
def test_the_history_fits_its_pane(view: SessionView, width: int, height: int) -> None:
    lines = history.history_lines(view, width, height)
    assert len(lines) == height
    assert all(line_width(line) <= width for line in lines[:-1])


def test_the_slowest_step_of_a_column_is_marked_above_its_mean() -> None:
    """It was hidden in the mean."""
    uneven = steps(32)
    phases = (*uneven.phases_ns[:20], tuple(part * 3 for part in uneven.phases_ns[20]), *uneven.phases_ns[21:])
    uneven = replace(uneven, phases_ns=phases, durations_ns=tuple(map(sum, phases)))
    lines = history.history_lines(replace(running_view(), steps=uneven), 40, 8, zoom=3)
    marked = [line for line in lines[:4] if "▲" in plain(line) or "*" in plain(line)]
    assert len(marked) == 1
    assert "8 steps per column, * the slowest" in history.subtitle(replace(running_view(), steps=uneven), 3)


def test_thousands_of_steps_per_second_are_a_density() -> None:
    fast = fast_steps(20_000)
    assert history.scale_for(fast, 0) == history.Scale(512, 250_000_000)
    assert history.scale_for(fast, 2) == history.Scale(2_048, 1_000_000_000)
    assert history.scale_for(fast, -2) == history.Scale(128, 62_500_000)
    assert history.scale_for(fast, -3) == history.Scale(64), "so few are shown with their phases"


def test_zooming_out_makes_a_density_of_slow_steps() -> None:
    view = replace(sampled_view(), steps=StepSeries().view())
    series = StepSeries()
    series.add(recordings.steps(1, 5_000))
    view = replace(view, steps=series.view())
    scale = history.scale_for(view.steps, 5)
    assert scale == history.Scale(128, 8_000_000_000)
    assert "█" in lines_text(history.history_lines(view, 60, 12, zoom=5))


def test_a_density_has_the_time_between_the_numbers_of_its_steps() -> None:
    lines = history.history_lines(sampled_view(), 120, 10)
    (below,) = (plain(line) for line in lines if plain(line).lstrip().startswith("step"))
    assert below.split()[:2] == ["step", "1"]
    assert below.split()[-1] == "60,000"
    assert "-10 s" in below
    assert "250 ms per column, steps: · 1 ░ 3" in history.subtitle(sampled_view(), 0)
    assert history.title_note(sampled_view(), 10, 0) == " on a log scale · loss below"


def test_a_density_tells_slow_steps_from_usual_ones() -> None:
    lines = [plain(line) for line in history.history_lines(sampled_view(), 120, 9)]
    assert float(lines[0].split()[0]) > 3.0
    assert float(lines[4].split()[0]) < 0.3
    assert "·" in lines[0], "every 400th step takes 3 ms"
    assert "█" in lines[4]


def test_the_loss_has_an_axis_of_its_own() -> None:
    """Two of its figures were cut off, or it had none."""
    tiny = replace(
        running_view(), steps=replace(steps(40), losses=tuple(1.1e-6 * number for number in range(40, 0, -1)))
    )
    lines = [plain(line) for line in history.history_lines(tiny, 60, 10)]
    assert [line.split()[0] for line in lines[7:9]] == ["4.4e-5", "1.1e-6"]
    assert history.title_note(tiny, 10, 0) == " · loss below"
    assert "loss" not in history.title_note(tiny, 6, 0), "there is no room for it"


def test_losses_that_differ_by_little_have_different_ends() -> None:
    close = replace(running_view(), steps=replace(steps(40), losses=tuple(2.3 + 1e-4 * number for number in range(40))))
    lines = [plain(line) for line in history.history_lines(close, 60, 10)]
    assert [line.split()[0] for line in lines[7:9]] == ["2.3039", "2.3"]


def test_losses_over_several_decades_have_a_log_scale_that_says_so() -> None:
    """After the first steps, the curve was a flat line."""
    falling = replace(
        running_view(), steps=replace(steps(40), losses=tuple(10.0 ** -(number / 8) for number in range(40)))
    )
    lines = [plain(line) for line in history.history_lines(falling, 60, 10, zoom=-3)]
    assert [line[:6].strip() for line in lines[6:9]] == ["1", "log", "1.3e-5"]
    firsts = [line[-40:].rstrip() for line in lines[6:9]]
    assert [len(line) for line in firsts] == sorted(len(line) for line in firsts), "it falls all along"
    assert len(firsts[0]) < 20 < len(firsts[1]) < 35


def test_a_high_chart_names_the_loss_beside_it() -> None:
    falling = replace(running_view(), steps=replace(steps(40), losses=tuple(2.0 - number / 40 for number in range(40))))
    labels = [plain(line)[:6].strip() for line in history.history_lines(falling, 100, 24)]
    assert "loss" in labels


def test_a_loss_that_is_not_a_number_leaves_a_gap() -> None:
    view = replace(running_view(), steps=replace(steps(3), losses=(1.0, float("nan"), None)))
    column = history.bins(view.steps, 1, 3)[1]
    assert column.loss is None
    assert column.diverged


def test_losses_that_are_no_numbers_are_marked() -> None:
    """A curve that ended looked like a training that tells no loss."""
    ended = replace(running_view(), steps=replace(steps(40), losses=(*[2.0] * 35, *[float("nan")] * 4, float("inf"))))
    lines = [plain(line).rstrip() for line in history.history_lines(ended, 60, 10)]
    assert [line.count("✗") for line in lines] == [0, 0, 0, 0, 0, 0, 0, 0, 5, 0]
    assert history.title_note(ended, 10, 0) == " · loss below, ✗ not a number"
    never = replace(running_view(), steps=replace(steps(40), losses=(float("nan"),) * 40))
    assert sum(plain(line).count("✗") for line in history.history_lines(never, 60, 10)) == 40


def test_losses_that_are_no_numbers_are_marked_in_a_density() -> None:
    fast = fast_steps(20_000)
    view = replace(sampled_view(), steps=replace(fast, losses=(*fast.losses[:-1], float("nan"))))
    lines = [plain(line) for line in history.history_lines(view, 60, 12, zoom=-2)]
    assert sum(line.count("✗") for line in lines) == 1


@pytest.mark.parametrize(("count", "zoom", "text"), [(20, 0, "one step per column"), (999, 0, "8 steps per column")])
def test_the_subtitle_says_how_many_steps_a_column_has(count: int, zoom: int, text: str) -> None:
    """It said "a column is a step"."""
    assert history.subtitle(replace(running_view(), steps=steps(count)), zoom).startswith(text)


def test_the_mark_of_the_slowest_step_is_no_phase_without_colours() -> None:
    """It was that of the phase `other`."""
    assert PEAK not in history.GLYPHS
