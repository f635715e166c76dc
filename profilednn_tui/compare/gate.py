"""Decides, group by group, whether a candidate is slower by a limit or more.

Looking again after each further group would turn chance into findings, so the looks share the error probability: the
k-th look uses 0.05 / (k (k + 1)), which adds up to 0.05 over any number of looks (union bound).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum

import numpy as np

from profilednn_tui.compare.intervals import CONFIDENCE, FEWEST_GROUPS, MOST_RUNS, POWER
from profilednn_tui.compare.samples import FairSteps

GROWTH = 1.3
"""Number of groups at one look relative to the look before."""


class Answer(Enum):
    """The possible answers of a gate."""

    NO_REGRESSION = "no regression"
    REGRESSION = "regression"
    UNDECIDED = "cannot be told"


@dataclass(frozen=True, slots=True)
class Decision:
    """What the groups so far say."""

    answer: Answer
    groups: int
    ratio: float | None = None
    """Step time of the candidate divided by that of the baseline; None without any group."""
    low: float | None = None
    high: float | None = None
    """The confidence interval of the ratio, at the level of this look; None with fewer than two groups."""
    more_groups: int | None = None
    """How many more groups would probably decide; None if the answer is final or that cannot be estimated."""
    reason: str = ""
    """Why it cannot be told, if not for the number of groups."""


def look_number(groups: int, last: bool = False) -> int | None:
    """The number of the look that is due after so many groups, from 1; None if none is due and it is not the `last`."""
    number, due = 1, FEWEST_GROUPS
    while due < groups:
        number, due = number + 1, max(due + 1, int(due * GROWTH))
    return number if due == groups or last else None


def log_ratios(baseline: Sequence[FairSteps], candidate: Sequence[FairSteps], of_means: bool = False) -> list[float]:
    """The logarithm of the ratio of the median steps of each group that has both runs; with `of_means`, of the means,
    which also have what happens in a few of the steps."""

    def typical_ns(run: FairSteps) -> float:
        return run.mean_ns if of_means else run.median_ns

    by_turn = {run.turn: typical_ns(run) for run in baseline}
    return [math.log(typical_ns(run) / by_turn[run.turn]) for run in candidate if run.turn in by_turn]


def decide(ratios: Sequence[float], limit: float, look: int, candidates: int = 1) -> Decision:
    """Decide by the mean of the groups' log ratios and its t interval at the level of the given look,
    which several candidates may share.

    It is a regression if the candidate is significantly slower and the estimate reaches the limit, as for
    ``compare --fail-on``, and none if the interval ends below the limit.
    """
    from scipy import stats

    count = len(ratios)
    if count < 2:
        return Decision(Answer.UNDECIDED, count, math.exp(ratios[0]) if ratios else None)
    middle, deviation = float(np.mean(ratios)), float(np.std(ratios, ddof=1))
    half = float(stats.t.ppf(1 - _error(look) / candidates / 2, count - 1)) * deviation / math.sqrt(count)
    ratio, low, high = (math.exp(value) for value in (middle, middle - half, middle + half))
    answer = Answer.UNDECIDED
    if count >= FEWEST_GROUPS and low > 1 and ratio >= 1 + limit:
        answer = Answer.REGRESSION
    elif count >= FEWEST_GROUPS and high < 1 + limit:
        answer = Answer.NO_REGRESSION
    more = _more_groups(middle, deviation, count, limit, look) if answer is Answer.UNDECIDED else None
    return Decision(answer, count, ratio, low, high, more)


def _error(look: int) -> float:
    return (1 - CONFIDENCE) / (look * (look + 1))


def _more_groups(middle: float, deviation: float, count: int, limit: float, look: int) -> int | None:
    """How many more groups would probably decide, if the true ratio is where the estimate is.

    From the limit itself, no number of groups decides: the distance counts as a quarter of the limit at least.
    """
    from scipy import stats

    distance = max(abs(math.log1p(limit) - middle), math.log1p(limit) / 4)
    totals = np.arange(max(count + 1, FEWEST_GROUPS), MOST_RUNS)
    quantiles = stats.t.ppf(1 - _error(look + 1) / 2, totals - 1) + stats.norm.ppf(POWER)
    enough = totals[quantiles * deviation / np.sqrt(totals) <= distance]
    return int(enough[0]) - count if enough.size else None
