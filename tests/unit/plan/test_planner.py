"""Which setting takes least."""

from __future__ import annotations

import pytest

from profilednn_tui.errors import ProfilerError
from profilednn_tui.plan.convergence import NoiseScale, SameEpochs, named_curve
from profilednn_tui.plan.model import model_of
from profilednn_tui.plan.planner import Place, Plan, Training, make_plan, settings_to_plan
from profilednn_tui.plan.points import Setting
from profilednn_tui.plan.reach import Kind
from tests.unit.plan.machines import CORNERS, GRID, measured, step_ns


def plan(training: Training | None = None, place: Place | None = None, noise: float = 0.0) -> Plan:
    points = measured(CORNERS, noise=noise)
    return make_plan("train", model_of(points), place or Place(2), training or Training(SameEpochs()), GRID)


def test_without_convergence_the_highest_throughput_is_best() -> None:
    found = plan()
    assert found.best is not None
    assert found.best.setting == Setting(2, 1, 64)
    assert found.relative(found.best) == 1.0
    assert [one.setting.batch for one in found.best_batches] == [64, 64, 64]
    kinds = [one.kind for one in found.choices]
    assert (kinds.count(Kind.MEASURED), kinds.count(Kind.PREDICTED)) == (6, 6)


def test_convergence_makes_smaller_batches_best() -> None:
    found = plan(Training(NoiseScale(20.0, 8)))
    assert found.best is not None
    assert found.best.setting.global_batch < 64
    assert any(one.setting.batch < 64 for one in found.best_batches)


def test_time_to_train_is_samples_times_epochs_over_throughput() -> None:
    found = plan(Training(named_curve("ssd", 64), samples=10_000, epochs=4.0))
    choice = next(one for one in found.choices if one.setting == Setting(2, 1, 64))
    assert found.epochs(choice) == pytest.approx(5.0), "of a batch twice as large as the reference"
    train = found.train_ns(choice)
    assert train is not None
    assert train.value == pytest.approx(10_000 * 5.0 / 128 * step_ns(choice.setting), rel=0.01)
    assert choice.throughput is not None
    assert train.value == pytest.approx(10_000 * 5.0 / choice.throughput.value * 1e9)


def test_a_batch_beyond_the_curve_has_no_time() -> None:
    found = plan(Training(named_curve("ssd", 4), samples=1_000, epochs=4.0))
    choice = next(one for one in found.choices if one.setting == Setting(2, 1, 64))
    assert (choice.ratio, choice.effort_ns, found.train_ns(choice), found.relative(choice)) == (None,) * 4
    assert found.best is not None
    assert found.best.setting.global_batch <= 64


def test_settings_that_cannot_be_told_apart_are_ties() -> None:
    quiet = plan()
    assert {one.kind for one in quiet.ties} == {Kind.PREDICTED}, "measured without any spread, they differ"
    noisy = plan(noise=0.3)
    assert Kind.MEASURED in {one.kind for one in noisy.ties}
    assert noisy.best not in noisy.ties


def test_what_does_not_fit_into_memory_is_not_best() -> None:
    found = plan(place=Place(2, 500_000_000))
    assert {one.setting.ranks for one in found.choices if one.fits} == {1}
    assert found.best is not None
    assert found.best.setting == Setting(1, 2, 64)


def test_an_assumed_setting_is_never_best_but_may_be_hoped_for() -> None:
    points = measured(CORNERS)
    settings = (*GRID, Setting(4, 1, 64))
    found = make_plan("train", model_of(points), Place(4), Training(SameEpochs()), settings)
    assert found.best is not None
    assert found.best.setting == Setting(2, 1, 64)
    assert found.hope is not None
    assert found.hope.setting == Setting(4, 1, 64)


def test_by_default_twice_as_much_is_looked_at_as_far_as_cores_reach() -> None:
    settings, left_out = settings_to_plan(measured(CORNERS), 4)
    assert {(one.ranks, one.threads) for one in settings} == {(1, 1), (1, 2), (1, 4), (2, 1), (2, 2), (4, 1)}
    assert left_out == ()
    alone, _ = settings_to_plan(measured([Setting(1, 1, 8)]), 4)
    assert alone == (Setting(1, 1, 8),), "a single point does not tell what more would do"


def test_given_values_are_looked_at_alone() -> None:
    settings, left_out = settings_to_plan(measured(CORNERS), 2, ranks=(1, 2), threads=(2,), batches=(24,))
    assert settings == (Setting(1, 2, 24),)
    assert left_out == ("ranks2-threads2-batch24",)
    with pytest.raises(ProfilerError, match="more than the 2 cores"):
        settings_to_plan(measured(CORNERS), 2, ranks=(4,))
    with pytest.raises(ProfilerError, match="more than 512 settings"):
        settings_to_plan(measured(CORNERS), None, range(1, 50), range(1, 50), range(1, 50))


def test_nothing_known_is_no_best() -> None:
    found = make_plan("t", model_of(measured([Setting(1, 1, 8)])), Place(), Training(SameEpochs()), [Setting(2, 1, 8)])
    assert (found.best, found.hope, found.ties, found.best_batches) == (None, None, (), ())
