"""The distribution of step times."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from profilednn_tui.protocol.events import StepsEvent
from profilednn_tui.protocol.vocabulary import PHASES
from profilednn_tui.session.model.steps import StepSeries
from profilednn_tui.session.open_session import open_session
from profilednn_tui.session.view import Cores, SessionView
from profilednn_tui.tui.present import distribution
from profilednn_tui.tui.renderables.line import line_width
from tests.tui.feeds import uneven_view
from tests.tui.screen_text import lines_text
from tests.unit.session import recordings as r

MS = 1_000_000
SNAPSHOT = Path(__file__).resolve().parents[2] / "fixtures" / "format-1" / "snapshot.pdnn"


def of(*durations_ms: float, flags: int = 0) -> SessionView:
    steps = StepSeries()
    for number, duration_ms in enumerate(durations_ms, start=1):
        steps.add(r.steps(number, 1, duration_ns=round(duration_ms * MS), flags=flags))
    return SessionView(steps=steps.view(), phases=steps.phases())


def text(view: SessionView, width: int = 118, height: int = 30) -> str:
    return lines_text(distribution.distribution_lines(view, width, height))


def test_two_kinds_of_steps_are_two_hills() -> None:
    lines = text(of(*[20.0] * 60, *[40.0] * 40), width=60, height=9).splitlines()
    bars = [line[7:] for line in lines[1:-2]]
    hills = ["".join(column).strip() != "" for column in zip(*(bar.ljust(53) for bar in bars), strict=True)]
    starts = [index for index, filled in enumerate(hills) if filled and not (index and hills[index - 1])]
    assert len(starts) == 2
    assert "median 20.0" in lines[0]
    assert lines[-1].split()[:2] == ["ms", "16"]


def test_the_axes_say_how_many_steps_and_how_many_milliseconds() -> None:
    lines = text(of(*[20.0] * 99, 21.0), width=60, height=9).splitlines()
    assert 40 < int(lines[1].split()[0]) <= 99, "a bin lies in several columns"
    assert lines[2].split()[0] == "steps"
    assert lines[-3].split()[0] == "0"
    assert "median" in lines[-2]
    assert lines[-1].split()[0] == "ms"


def test_a_single_step_leaves_a_mark_beside_ten_thousand() -> None:
    lines = text(of(*[20.0] * 10_000, 23.9), width=60, height=9).splitlines()
    assert lines[-3].rstrip()[-1] in "▁▂"


def test_outliers_are_counted_and_listed_with_what_is_known() -> None:
    view = uneven_view()
    shown = text(view)
    assert "3 outliers above" in shown
    assert "3 above ▸" in shown
    assert "% of time" in shown
    assert "the first step" in shown
    (slow,) = (line for line in shown.splitlines() if "step  70 " in line)
    assert slow.split() == ["step", "70", "300.0", "data", "+270.8", "ms"]


def test_an_even_training_has_no_outliers() -> None:
    """Its quartiles are so close that a step of one percent more would be far out."""
    shown = text(of(*[20.0] * 99, 21.0))
    assert "no outliers: no plain step above 24.0 ms; slowest:" in shown
    assert "of time" not in shown
    assert "▸" not in shown


def test_a_step_that_begins_an_epoch_and_one_beside_another_program_are_told() -> None:
    view = of(*[20.0] * 50, 90.0, 80.0)
    end = view.steps.end_unix_ns[-1]
    cores = Cores(others_history=(0.0, 0.0, 130.0), history_unix_ns=(end - 10**9, end - 1, end))
    shown = text(replace(view, epoch_starts=(51,), cores=cores)).splitlines()
    (first,) = (line for line in shown if "step 51 " in line)
    (second,) = (line for line in shown if "step 52 " in line)
    assert "new epoch; backward +" in first
    assert "others 130 %" in second
    assert "others" not in first


@pytest.mark.parametrize(
    ("flag", "words"),
    [
        (StepsEvent.FIRST, "the first step"),
        (StepsEvent.WARM_UP, "warm-up of an optimization"),
        (StepsEvent.SWITCHED, "after a switch of settings"),
        (StepsEvent.LAST, "the last step"),
    ],
)
def test_a_flag_is_told_in_words(flag: int, words: str) -> None:
    steps = StepSeries()
    steps.add(r.steps(1, 20, duration_ns=20 * MS))
    steps.add(r.steps(21, 1, duration_ns=500 * MS, flags=flag))
    assert words in text(SessionView(steps=steps.view(), phases=steps.phases()))


def test_without_a_plain_step_that_is_said() -> None:
    assert text(of(30.0, flags=StepsEvent.PROFILED)) == "No step yet that no operator window has slowed down."


@pytest.mark.parametrize(
    ("width", "height"), [(20, 3), (40, 6), (78, 6), (81, 10), (118, 34), (196, 56), (8, 1), (90, 2)]
)
def test_the_distribution_fits_its_pane(width: int, height: int) -> None:
    for view in (uneven_view(), of(30.0), of(*[20.0] * 5)):
        lines = distribution.distribution_lines(view, width, height)
        assert len(lines) <= height
        assert all(line_width(line) <= width for line in lines)


def test_the_note_says_which_steps_are_counted() -> None:
    steps = StepSeries()
    steps.add(r.steps(1, 1_200))
    assert distribution.subtitle(steps.view().times) == "1,200 steps of the whole run"
    steps.add(r.steps(1_201, 2, flags=StepsEvent.PROFILED))
    assert distribution.subtitle(steps.view().times) == (
        "1,200 steps of the whole run, without 2 in or after an operator window"
    )


def test_phases_are_compared_by_name() -> None:
    """The medians of the view leave out phases that no step has."""
    view = of(*[20.0] * 50, 90.0)
    assert len(view.phases) < len(PHASES)
    (slow,) = (line for line in text(view).splitlines() if "step 51 " in line)
    assert "backward +31.5 ms" in slow


def test_a_recording_of_the_first_format_has_a_distribution() -> None:
    with open_session(SNAPSHOT) as session:
        while session.poll():
            pass
        view = session.view()
    times = view.steps.times
    flagged = sum(1 for flags in view.steps.flags if flags)
    assert times.plain == view.steps.count - flagged
    assert times.quantile_ns(0.5) == pytest.approx(view.steps.median_ns, rel=0.005)
    assert f"step {times.slowest[0].number}" in text(view)
