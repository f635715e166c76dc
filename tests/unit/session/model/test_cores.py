"""Which processes use the cores, and when that makes timings unreliable."""

from __future__ import annotations

from typing import Any

import pytest

from profilednn_tui.protocol.events import CoresEvent
from profilednn_tui.session.model.cores import HISTORY, CoreSeries
from tests.unit.session import recordings as r


def series(*events: CoresEvent, affinity: tuple[int, ...] = (0, 1, 2, 3)) -> CoreSeries:
    cores = CoreSeries()
    cores.set_affinity(affinity)
    for event in events:
        cores.add(event)
    return cores


def contention(*events: CoresEvent, **options: Any) -> str | None:
    return series(*events, **options).view(ended=False).contention


def test_no_sample_is_no_cores() -> None:
    assert CoreSeries().view(ended=False).cores == ()
    assert CoreSeries().view(ended=False).target_percent is None


def test_a_core_splits_into_target_and_others() -> None:
    cores = series(r.cores(target=(80, 0, 0, 0), others=(5, 60, 0, 0)), affinity=(0, 1)).view(ended=False)
    assert (cores.cores[0].target, cores.cores[0].others, cores.cores[1].others) == (80, 5, 60)
    assert [core.allowed for core in cores.cores] == [True, True, False, False]
    assert (cores.target_percent, cores.others_percent) == (80, 65)


def test_one_busy_neighbour_is_named() -> None:
    busy = r.cores(others=(0, 100, 0, 0))
    assert contention(busy, busy, busy) == "others 100 % of one core: timings are not reliable"


def test_a_quiet_machine_is_not_blamed() -> None:
    assert contention(r.cores(), r.cores(), r.cores()) is None


def test_a_burst_of_one_sample_is_no_neighbour() -> None:
    assert contention(r.cores(), r.cores(), r.cores(others=(0, 100, 0, 0))) is None


def test_a_neighbour_that_left_is_forgotten() -> None:
    busy = r.cores(others=(0, 100, 0, 0))
    assert contention(busy, busy, r.cores(), r.cores(), r.cores()) is None


def test_on_one_core_a_small_neighbour_matters() -> None:
    light = r.cores(target=(70, 0, 0, 0), others=(20, 0, 0, 0))
    assert contention(light, affinity=(0,)) == "others 20 % of one core: timings are not reliable"
    assert contention(light) is None


def test_work_on_cores_that_the_target_may_not_use_does_not_disturb_it() -> None:
    elsewhere = r.cores(target=(90, 90, 0, 0), others=(0, 0, 100, 100))
    assert contention(elsewhere, affinity=(0, 1)) is None


def test_a_quota_that_stops_the_target_is_named() -> None:
    assert contention(r.cores(throttled_percent=12.0)) == (
        "stopped by the CPU quota 12 % of the time: timings are not reliable"
    )


def test_time_stolen_by_the_hypervisor_is_named_beside_a_neighbour() -> None:
    sentence = contention(r.cores(others=(100, 0, 0, 0), steal=[10.0, 10.0, 10.0, 10.0]))
    assert sentence is not None
    assert sentence.startswith("others 100 % of one core, 10 % of the cores' time stolen")


def test_after_the_end_the_whole_session_is_judged() -> None:
    busy, quiet = r.cores(others=(0, 100, 0, 0)), r.cores(others=(0, 0, 0, 0))
    cores = series(*[busy] * 30, *[quiet] * 10)
    assert cores.view(ended=False).contention is None
    assert cores.view(ended=True).contention == "others 75 % of one core: timings are not reliable"


def test_means_are_of_the_whole_session_and_the_history_is_bounded() -> None:
    cores = series(*[r.cores(target=(float(i % 2 * 100), 0, 0, 0), others=(0, 0, 0, 0)) for i in range(HISTORY * 2)])
    view = cores.view(ended=False)
    assert view.mean_percent == (50, 0, 0, 0)
    assert view.mean_target_percent == 50
    assert len(view.cores[0].history) == len(view.target_history) == HISTORY


def test_a_sample_of_uneven_length_is_refused() -> None:
    with pytest.raises(ValueError, match="unequal length"):
        series(r.cores(steal=[0.0]))


def test_means_are_weighted_by_time() -> None:
    """Issue 18: a sample of a moment weighed as much as one of a second."""
    busy = r.cores(target=(100.0, 0.0), others=(0.0, 0.0))
    idle = r.cores(target=(0.0, 0.0), others=(0.0, 0.0), elapsed_s=3.0)
    view = series(busy, idle).view(ended=True)
    assert (view.mean_target_percent, view.mean_percent) == (25.0, (25.0, 0.0))


def test_more_than_the_cores_have_is_an_error_of_an_early_version() -> None:
    """Issue 18: 33,044 % was shown on 2 cores."""
    right = r.cores(target=(50.0, 50.0), others=(0.0, 0.0))
    wrong = r.cores(target=(100.0, 100.0), others=(0.0, 0.0), target_percent=33_044.1)
    view = series(right, wrong).view(ended=True)
    assert (view.target_percent, view.mean_target_percent) == (100.0, 100.0)
    assert view.target_history == (100.0,)
    assert view.mean_percent == (75.0, 75.0)


def test_the_samples_of_the_history_have_their_times() -> None:
    """A sample that cannot be is not in the history."""
    wrong = r.cores(unix_ns=2, target_percent=33_044.0)
    view = series(r.cores(unix_ns=1), wrong, r.cores(unix_ns=3)).view(ended=False)
    assert view.history_unix_ns == (1, 3)
    assert len(view.target_history) == len(view.others_history) == 2
