"""Curves over time."""

from __future__ import annotations

import pytest

from profilednn_tui.tui.present.over_time import Curve, curve_lines, time_ticks
from profilednn_tui.tui.renderables.line import line_width, plain
from tests.tui.screen_text import lines_text

S = 1_000_000_000
START = 1_790_000_000 * S


def curve(*values: float, height: int = 3) -> Curve:
    return Curve("target", values, 400.0, "400 %", "primary", height)


def every_second(count: int) -> list[int]:
    return [START + number * S for number in range(count)]


def test_a_curve_has_its_name_and_units_and_the_time_below() -> None:
    assert lines_text(curve_lines(every_second(20), [curve(*[200.0] * 10, *[400.0] * 10)], 27)) == (
        " 400 %           ██████████\n"
        "target ▄▄▄▄▄▄▄▄▄▄██████████\n"
        "     0 ████████████████████\n"
        "       ────── -10 s ─── 0 s"
    )


def test_the_whole_history_is_shown_however_narrow_the_pane() -> None:
    """Only the newest samples were shown, one for each cell."""
    lines = curve_lines(every_second(240), [curve(400.0, *[0.0] * 239)], 32)
    bottom = plain(lines[2])[7:]
    assert bottom.strip(" ") != "", "the first sample is four minutes old"
    assert "-2 min" in plain(lines[-1])


def test_a_column_is_the_mean_of_its_time() -> None:
    lines = curve_lines(every_second(240), [curve(*[0.0, 400.0] * 120, height=2)], 32)
    assert plain(lines[0])[7:].strip() == "", "all are 200"
    assert plain(lines[1])[7:] == " " + "█" * 24


def test_several_curves_share_the_time_axis() -> None:
    lines = curve_lines(every_second(9), [curve(*[1.0] * 9), curve(*[2.0] * 9, height=2)], 40)
    assert len(lines) == 3 + 2 + 1
    assert all(line_width(line) == 40 for line in lines)


def test_samples_a_little_late_leave_no_gap() -> None:
    times = [START + number * 1_090_000_000 for number in range(20)]
    lines = curve_lines(times, [curve(*[400.0] * 20, height=2)], 34)
    assert " " not in plain(lines[0])[7:].strip()


def test_a_suspended_machine_leaves_a_gap_and_not_a_crowd() -> None:
    times = [*every_second(10), *(time + 8 * 3600 * S for time in every_second(10))]
    lines = curve_lines(times, [curve(*[400.0] * 20, height=2)], 37)
    assert plain(lines[0])[7:] == " " * 20 + "█" * 10


@pytest.mark.parametrize(
    ("columns", "column_s", "texts"),
    [
        (30, 1.0, ["0 s", "-10 s", "-20 s"]),
        (24, 10.0, ["0 s", "-2 min"]),
        (40, 0.05, ["0 s", "-500 ms", "-1 s", "-1500 ms"]),
        (100, 3600.0, ["0 s", "-10 h", "-20 h", "-30 h", "-40 h", "-50 h", "-60 h", "-70 h", "-80 h", "-90 h"]),
    ],
)
def test_ticks_are_round_and_far_enough_apart(columns: int, column_s: float, texts: list[str]) -> None:
    ticks = time_ticks(columns, column_s * S)
    assert [text for _, text in ticks] == texts
    assert ticks[0][0] == columns - 1


def test_times_that_cannot_be_have_no_ticks() -> None:
    """A recording may be forged."""
    assert time_ticks(30, 1e30) == [(29, "0 s")]
    assert len(curve_lines([0, 10**25], [curve(1.0, 2.0)], 40)) == 4
