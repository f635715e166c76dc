"""Whose use of a core it is."""

from __future__ import annotations

import pytest

from profilednn_tui.collect.cores import _target_by_core


def test_a_thread_counts_for_the_core_it_ran_on_last() -> None:
    assert _target_by_core([90.0, 10.0], [85.0, 0.0]) == [85.0, 0.0]


def test_what_exceeds_a_core_goes_to_cores_that_nobody_claims() -> None:
    """Four threads on four cores, two of them seen on one: no core is full of others (seen on the demo)."""
    by_core = _target_by_core([98.0, 88.0, 87.0, 89.0], [90.0, 86.0, 172.0, 0.0])

    assert sum(by_core) == pytest.approx(90 + 86 + 172, abs=0.2)
    assert by_core == pytest.approx([96.9, 87.7, 87.0, 76.4])


def test_the_target_never_holds_more_than_there_is() -> None:
    assert _target_by_core([50.0, 0.0], [100.0, 100.0]) == [50.0, 0.0]
