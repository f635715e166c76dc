"""Step statistics."""

from __future__ import annotations

import math

import pytest

from profilednn_tui.protocol.events import StepsEvent, StepSourceEvent
from profilednn_tui.protocol.vocabulary import PHASES
from profilednn_tui.session.model.steps import KEPT_STEPS, ONLY_IF_SEEN, StepSeries
from tests.unit.session import recordings as r

MS = 1_000_000


def series(*events: StepsEvent) -> StepSeries:
    steps = StepSeries()
    for event in events:
        steps.add(event)
    return steps


def one(number: int, duration_ns: int, flags: int = 0) -> StepsEvent:
    return r.steps(number, 1, duration_ns=duration_ns, flags=flags)


def test_median_and_p95_leave_flagged_steps_out() -> None:
    steps = series(
        one(1, 900 * MS, StepsEvent.FIRST),
        one(2, 10 * MS),
        one(3, 300 * MS, StepsEvent.PROFILED),
        one(4, 70 * MS, StepsEvent.DISTURBED),
        one(5, 12 * MS),
        one(6, 11 * MS),
    ).view()
    assert steps.median_ns == 11 * MS
    assert steps.p95_ns == pytest.approx(11.9 * MS)
    assert steps.count == 6
    assert steps.durations_ns[0] == 900 * MS


def test_when_all_are_flagged_all_but_the_first_count() -> None:
    steps = series(one(1, 900 * MS, StepsEvent.FIRST), one(2, 30 * MS, StepsEvent.PROFILED)).view()
    assert steps.median_ns == 30 * MS


def test_the_first_step_alone_is_no_median() -> None:
    steps = series(one(1, 900 * MS, StepsEvent.FIRST))
    assert steps.view().median_ns is None
    assert steps.phases() == ()


def test_the_median_follows_the_newest_thousand() -> None:
    steps = series(r.steps(1, 1500, duration_ns=10 * MS), r.steps(1501, 1000, duration_ns=20 * MS)).view()
    assert steps.median_ns == 20 * MS


def test_phases_come_in_their_order_and_their_shares_add_up() -> None:
    phases = series(r.training(50)).phases()
    assert tuple(phase.name for phase in phases) == tuple(name for name in PHASES if name not in ONLY_IF_SEEN)
    assert sum(phase.share for phase in phases) == pytest.approx(1)
    assert phases[3].median_ns == pytest.approx(0.45 * 40.3 * MS)


def test_a_phase_that_most_trainings_do_not_have_is_there_when_one_step_has_it() -> None:
    row = r.step_row(51)
    for name, part in (("inference", 1), ("communication", 2)):
        row[2 + PHASES.index(name)] = part
        row[2 + PHASES.index("other")] -= part
    phases = series(r.training(50), StepsEvent(51, [row])).phases()
    assert tuple(phase.name for phase in phases) == PHASES
    assert sum(phase.share for phase in phases) == pytest.approx(1)


def test_the_rate_counts_what_lies_between_steps() -> None:
    assert series(r.steps(1, 200, duration_ns=5 * MS)).view().steps_per_s == pytest.approx(1e9 / r.STEP_NS)
    assert series(r.steps(1, 1)).view().steps_per_s is None


def test_hours_of_steps_keep_a_bounded_series_and_the_whole_count() -> None:
    steps = StepSeries()
    for first in range(1, 25_001, 500):
        steps.add(r.steps(first, 500))
    view = steps.view()
    assert view.count == 25_000
    assert len(view.numbers) == len(view.phases_ns) == len(view.losses) == KEPT_STEPS
    assert view.numbers[0] == 5_001


def test_a_loss_that_diverged_is_known_and_a_missing_one_is_not() -> None:
    losses = (
        series(StepsEvent(1, [r.step_row(1, loss="nan"), r.step_row(2, loss=None), r.step_row(3, loss=2)]))
        .view()
        .losses
    )
    assert losses[0] is not None
    assert math.isnan(losses[0])
    assert losses[1:] == (None, 2.0)


def test_the_source_of_steps_is_told() -> None:
    steps = StepSeries()
    steps.set_source(StepSourceEvent("dataloader", "no optimizer has stepped", 1, 1))
    assert steps.view().source == "dataloader"
    assert steps.view().source_reason == "no optimizer has stepped"


def test_a_view_is_built_once() -> None:
    steps = series(r.training(5))
    assert steps.view() is steps.view()


def test_a_short_row_is_refused() -> None:
    with pytest.raises(ValueError, match="fields"):
        series(StepsEvent(1, [[1, 2, 3]]))
