"""Decisions of a gate, from the ratios of its groups."""

from __future__ import annotations

import math

import numpy as np
import pytest

from profilednn_tui.compare.gate import Answer, decide, look_number

LIMIT = 0.05


def ratios(mean: float, deviation: float, groups: int) -> list[float]:
    """Log ratios with exactly this mean ratio and standard deviation."""
    values = np.linspace(-1.0, 1.0, groups)
    return list(math.log(mean) + deviation * values / np.std(values, ddof=1))


@pytest.mark.parametrize(
    ("mean", "answer"),
    [
        (1.08, Answer.REGRESSION),
        (1.0, Answer.NO_REGRESSION),
        (0.9, Answer.NO_REGRESSION),
        (1.03, Answer.UNDECIDED),
    ],
)
def test_four_groups_that_differ_by_one_percent_decide(mean: float, answer: Answer) -> None:
    assert decide(ratios(mean, 0.01, 4), LIMIT, look=1).answer is answer


def test_a_difference_below_the_limit_is_no_regression_however_certain() -> None:
    found = decide(ratios(1.02, 0.001, 4), LIMIT, look=1)
    assert found.answer is Answer.NO_REGRESSION
    assert found.low is not None
    assert found.low > 1


@pytest.mark.parametrize("groups", [0, 1, 2, 3])
def test_fewer_than_four_groups_never_decide(groups: int) -> None:
    assert decide([math.log(2.0)] * groups, LIMIT, look=1).answer is Answer.UNDECIDED


def test_what_is_needed_is_estimated_from_the_spread() -> None:
    few, many = (decide(ratios(1.02, deviation, 4), LIMIT, look=1).more_groups for deviation in (0.03, 0.06))
    assert few is not None
    assert many is not None
    assert 0 < few < many
    assert decide(ratios(1.0, 0.01, 4), LIMIT, look=1).more_groups is None, "decided"


def test_later_looks_ask_for_more() -> None:
    first, third = (decide(ratios(1.03, 0.01, 6), LIMIT, look) for look in (1, 3))
    assert first.low is not None
    assert third.low is not None
    assert third.low < first.low


def test_looks_become_rarer() -> None:
    assert [groups for groups in range(1, 30) if look_number(groups) is not None] == [4, 5, 6, 7, 9, 11, 14, 18, 23, 29]
    assert [look_number(groups) for groups in (4, 7, 8, 9)] == [1, 4, None, 5]
    assert look_number(8, last=True) == 5


@pytest.mark.parametrize(("mean", "wrong"), [(1.0, Answer.REGRESSION), (1.12, Answer.NO_REGRESSION)])
def test_looking_again_and_again_seldom_ends_in_the_wrong_answer(mean: float, wrong: Answer) -> None:
    """The error of all looks together stays below five percent, with groups that differ by six percent."""
    generator = np.random.default_rng(0)
    wrongly = 0
    for _ in range(150):
        groups: list[float] = []
        answer = Answer.UNDECIDED
        while answer is Answer.UNDECIDED and len(groups) < 40:
            groups.append(float(generator.normal(math.log(mean), 0.06)))
            look = look_number(len(groups))
            answer = decide(groups, LIMIT, look).answer if look is not None else answer
        wrongly += answer is wrong
    assert wrongly <= 7
