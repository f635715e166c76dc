"""Faster or not, and how sure that is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum

import numpy as np

from profilednn_tui.compare.intervals import Interval, ratio_interval
from profilednn_tui.compare.samples import FairSteps


class Outcome(Enum):
    """The four results a comparison can have."""

    FASTER = "faster"
    SLOWER = "slower"
    NO_DIFFERENCE = "no detectable difference"
    NOT_COMPARABLE = "not comparable"


@dataclass(frozen=True, slots=True)
class Verdict:
    """The result, with the numbers behind it; those are there as far as they could be computed."""

    outcome: Outcome
    baseline_ns: float | None = None
    """Median over runs of their median steps."""
    candidate_ns: float | None = None
    interval: Interval | None = None
    reasons: tuple[str, ...] = ()
    """Why the sides are not comparable."""

    @property
    def change(self) -> float | None:
        """Relative change of the step time: 0.1 is ten percent slower."""
        return None if self.interval is None else self.interval.ratio - 1

    def is_regression(self, limit: float) -> bool:
        """Whether the candidate is slower for sure, and by this fraction or more as far as can be told."""
        return self.outcome is Outcome.SLOWER and self.change is not None and self.change >= limit


def judge(
    baseline: Sequence[FairSteps],
    candidate: Sequence[FairSteps],
    reasons: Sequence[str],
    others: tuple[float, float] = (0.0, 0.0),
) -> Verdict:
    """The verdict on two sides: the steps of their runs, warm-up left out; `others` as in `ratio_interval`.

    With a reason against the comparison there is no verdict on the speed, though its figures are still given.
    """
    if not baseline or not candidate:
        return Verdict(Outcome.NOT_COMPARABLE, _typical(baseline), _typical(candidate), None, tuple(reasons))
    interval = ratio_interval(baseline, candidate, others)
    outcome = Outcome.NOT_COMPARABLE if reasons else _outcome(interval)
    return Verdict(outcome, _typical(baseline), _typical(candidate), interval, tuple(reasons))


def _outcome(interval: Interval) -> Outcome:
    if interval.high < 1:
        return Outcome.FASTER
    return Outcome.SLOWER if interval.low > 1 else Outcome.NO_DIFFERENCE


def _typical(runs: Sequence[FairSteps]) -> float | None:
    return float(np.median([run.median_ns for run in runs])) if runs else None
