"""Predictions of steps and memory between measured points."""

from __future__ import annotations

import pytest

from profilednn_tui.plan.model import model_of
from profilednn_tui.plan.points import Observation, Setting, points_of
from profilednn_tui.plan.reach import Kind
from tests.unit.plan.machines import CORNERS, GRID, MS, measured, peak_bytes, step_ns

OTHERS = tuple(one for one in GRID if one not in CORNERS)


def test_six_points_predict_the_six_between_them() -> None:
    model = model_of(measured(CORNERS))
    for one in OTHERS:
        found = model.look(one)
        assert found.reach.kind is Kind.PREDICTED
        assert found.step_ns is not None
        assert found.peak_bytes is not None
        assert found.step_ns.value == pytest.approx(step_ns(one), rel=0.01)
        assert found.peak_bytes.value == pytest.approx(peak_bytes(one), rel=0.01)


def test_other_six_points_that_cover_every_batch_do_as_well() -> None:
    chosen = [Setting(1, 1, 8), Setting(1, 1, 32), Setting(1, 2, 16), Setting(1, 2, 64), Setting(2, 1, 8)]
    model = model_of(measured([*chosen, Setting(2, 1, 64)]))
    for one in GRID:
        found = model.look(one).step_ns
        assert found is not None
        assert found.value == pytest.approx(step_ns(one), rel=0.06)


def test_intervals_hold_what_they_promise() -> None:
    """Six of seven with six points; noise of 4 % in each run, four runs per point."""
    held = total = 0
    for seed in range(40):
        model = model_of(measured(CORNERS, noise=0.04, seed=seed))
        assert model.step.confidence == pytest.approx(6 / 7)
        for one in OTHERS:
            found = model.look(one).step_ns
            assert found is not None
            assert found.low is not None
            assert found.high is not None
            assert found.low <= found.value <= found.high
            held += found.low <= step_ns(one) <= found.high
            total += 1
    assert held / total > 6 / 7


def test_a_measured_setting_is_told_as_it_was_measured() -> None:
    points = measured(CORNERS, noise=0.04)
    found = model_of(points).look(CORNERS[0])
    assert (found.step_ns, found.peak_bytes, found.runs) == (points[0].step_ns, points[0].peak_bytes, 4)


def test_an_assumed_setting_keeps_between_no_gain_and_a_perfect_one() -> None:
    model = model_of(measured(CORNERS))
    edge = model.look(Setting(2, 1, 64)).step_ns
    for setting, least, most in ((Setting(4, 1, 64), 1.0, 2.0), (Setting(2, 2, 64), 0.5, 1.0)):
        found = model.look(setting)
        assert found.reach.kind is Kind.ASSUMED
        assert found.step_ns is not None
        assert edge is not None
        assert found.step_ns.low is not None
        assert found.step_ns.high is not None
        assert found.step_ns.low == pytest.approx(least * (edge.low or edge.value))
        assert found.step_ns.high == pytest.approx(most * (edge.high or edge.value))
        assert found.step_ns.low <= found.step_ns.value <= found.step_ns.high


def test_what_no_point_tells_is_unknown() -> None:
    found = model_of(measured([Setting(1, 1, 8), Setting(1, 1, 16)])).look(Setting(1, 2, 8))
    assert (found.reach.kind, found.step_ns, found.peak_bytes) == (Kind.UNKNOWN, None, None)


def test_few_points_have_no_interval() -> None:
    model = model_of(measured([Setting(1, 1, 8), Setting(1, 1, 32)]))
    found = model.look(Setting(1, 1, 16)).step_ns
    assert model.step.confidence is None
    assert found is not None
    assert found.value == pytest.approx(step_ns(Setting(1, 1, 16)), rel=0.01)
    assert (found.low, found.high) == (None, None)


def test_points_with_one_batch_do_not_tell_overhead_from_work() -> None:
    assert model_of(measured([Setting(1, 1, 8), Setting(1, 2, 8)])).weights is None
    assert model_of(measured(CORNERS)).weights is not None


def test_memory_that_no_session_tells_is_unknown() -> None:
    points = points_of([Observation(Setting(1, 1, 8), 10.0 * MS), Observation(Setting(1, 1, 16), 20.0 * MS)])
    found = model_of(points).look(Setting(1, 1, 12))
    assert found.peak_bytes is None
    assert found.step_ns is not None
