"""Which of many parts have changed."""

from __future__ import annotations

import numpy as np
import pytest

from profilednn_tui.compare.significance import Floats, changed_parts

PARTS, GROUPS = 200, 8
TURNS = [("experiment", number) for number in range(GROUPS)]


def sides(generator: np.random.Generator, noise: float = 0.04) -> tuple[Floats, Floats]:
    """Equal sides in groups: all of a group is slowed alike, and each part varies by itself."""
    sizes = np.exp(generator.normal(0, 1, PARTS))
    slowdowns = np.exp(generator.normal(0, 0.1, (GROUPS, 1)))
    return tuple(sizes * slowdowns * np.exp(generator.normal(0, noise, (GROUPS, PARTS))) for _ in range(2))  # type: ignore[return-value]


def test_equal_sides_have_hardly_a_part_that_has_changed() -> None:
    generator = np.random.default_rng(1)
    shares = []
    for _ in range(100):
        baseline, candidate = sides(generator)
        found = changed_parts(baseline, candidate, (TURNS, TURNS), float(baseline.mean(axis=0).sum()))
        assert not found.reason
        shares.append(baseline.mean(axis=0)[found.changed].sum() / baseline.mean(axis=0).sum())
    assert np.mean([share > 0 for share in shares]) <= 0.1
    assert np.mean(shares) <= 0.01


def test_a_change_of_15_percent_is_found_among_many_equal_parts() -> None:
    generator = np.random.default_rng(2)
    found = 0
    for _ in range(40):
        baseline, candidate = sides(generator)
        candidate[:, 0] *= 1.15
        baseline[:, 0] *= 20
        candidate[:, 0] *= 20
        found += bool(changed_parts(baseline, candidate, (TURNS, TURNS), float(baseline.mean(axis=0).sum())).changed[0])
    assert found >= 38


def test_without_turns_the_sides_are_compared_as_a_whole() -> None:
    generator = np.random.default_rng(3)
    baseline, candidate = np.exp(generator.normal(0, 0.02, (2, 6, 10)))
    candidate[:, 3] *= 1.5
    none = [None] * 6
    assert np.flatnonzero(changed_parts(baseline, candidate, (none, none), 10.0).changed).tolist() == [3]


def test_small_parts_are_not_told() -> None:
    baseline = np.tile([1_000.0, 1.0], (8, 1))
    candidate = np.tile([1_000.0, 1.9], (8, 1))
    assert not changed_parts(baseline, candidate, (TURNS, TURNS), float(baseline.mean(axis=0).sum())).changed.any()


@pytest.mark.parametrize("runs", [1, 3])
def test_few_runs_tell_nothing_and_say_why(runs: int) -> None:
    values = np.ones((runs, 2))
    found = changed_parts(values, 2 * values, (TURNS[:runs], TURNS[:runs]), 2.0)
    assert not found.changed.any()
    assert "per side cannot tell how much a part varies: 4 are needed" in found.reason
