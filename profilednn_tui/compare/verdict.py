"""Whether a candidate is faster, and how certain that is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum

import numpy as np

from profilednn_tui.compare.intervals import FEWEST_GROUPS, Interval, ratio_interval
from profilednn_tui.compare.samples import FairSteps, in_lockstep
from profilednn_tui.session.spread import BETWEEN_SESSIONS, Spread

FEWEST_JUDGED = 2
"""Runs per side: a single run does not show how much it differs from the next."""


class Outcome(Enum):
    """The possible results of a comparison."""

    FASTER = "faster"
    SLOWER = "slower"
    NO_DIFFERENCE = "no detectable difference"
    NOT_JUDGED = "not judged"
    """Too few runs to conclude anything."""
    NOT_COMPARABLE = "not comparable"


@dataclass(frozen=True, slots=True)
class Verdict:
    """The result and the figures behind it, as far as they could be computed."""

    outcome: Outcome
    baseline_ns: float | None = None
    """Median over the runs of their median steps."""
    candidate_ns: float | None = None
    interval: Interval | None = None
    reasons: tuple[str, ...] = ()
    """Why the sides are not comparable."""

    @property
    def change(self) -> float | None:
        """Relative change of the step time: 0.1 is 10 % slower."""
        return None if self.interval is None else self.interval.ratio - 1

    def is_regression(self, limit: float) -> bool | None:
        """Whether the candidate is slower by `limit` (a fraction) or more; None if these runs cannot tell.

        True if the candidate is significantly slower and the estimate reaches the limit. False if the interval ends
        below the limit or a difference of that size would have been detected.
        """
        interval = self.interval
        if interval is None or self.outcome in (Outcome.NOT_JUDGED, Outcome.NOT_COMPARABLE):
            return None
        if self.outcome is Outcome.SLOWER and interval.ratio >= 1 + limit:
            return True
        return False if interval.high < 1 + limit or interval.smallest_difference <= limit else None


def judge(
    baseline: Sequence[FairSteps],
    candidate: Sequence[FairSteps],
    reasons: Sequence[str],
    others: tuple[float, float] = (0.0, 0.0),
    floor: Spread = BETWEEN_SESSIONS,
    apart: bool = False,
) -> Verdict:
    """Judge two sides, given the steps of their runs without warm-up; the rest as in `ratio_interval`.

    If there are `reasons` against the comparison, the figures are still given, but there is no verdict on the speed.
    """
    if not baseline or not candidate:
        return Verdict(Outcome.NOT_COMPARABLE, _typical(baseline), _typical(candidate), None, tuple(reasons))
    interval = ratio_interval(baseline, candidate, others, floor, apart)
    outcome = Outcome.NOT_COMPARABLE if reasons else _outcome(interval, _too_few(baseline, candidate, interval))
    return Verdict(outcome, _typical(baseline), _typical(candidate), interval, tuple(reasons))


def _too_few(baseline: Sequence[FairSteps], candidate: Sequence[FairSteps], interval: Interval) -> bool:
    """Whether there are too few runs for a verdict, whatever they show."""
    return interval.runs < (FEWEST_GROUPS if in_lockstep(baseline, candidate) else FEWEST_JUDGED)


def _outcome(interval: Interval, too_few: bool) -> Outcome:
    if too_few:
        return Outcome.NOT_JUDGED
    if interval.high < 1:
        return Outcome.FASTER
    return Outcome.SLOWER if interval.low > 1 else Outcome.NO_DIFFERENCE


def _typical(runs: Sequence[FairSteps]) -> float | None:
    return float(np.median([run.median_ns for run in runs])) if runs else None
