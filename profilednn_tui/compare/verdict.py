"""Faster or not, and how sure that is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum

import numpy as np

from profilednn_tui.compare.intervals import FEWEST_GROUPS, Interval, ratio_interval
from profilednn_tui.compare.samples import FairSteps
from profilednn_tui.session.spread import BETWEEN_SESSIONS, Spread

FEWEST_JUDGED = 2
"""Runs per side: of one alone nothing tells how much it differs from the next."""


class Outcome(Enum):
    """The results a comparison can have."""

    FASTER = "faster"
    SLOWER = "slower"
    NO_DIFFERENCE = "no detectable difference"
    NOT_JUDGED = "not judged"
    """There are too few runs to conclude anything from."""
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

    def is_regression(self, limit: float) -> bool | None:
        """Whether the candidate is slower by this fraction or more; None if these runs cannot tell.

        It is where the sides differ for sure and the estimate reaches the limit. It is not where the interval ends
        below the limit, or where a difference of that size would have been seen.
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
) -> Verdict:
    """The verdict on two sides: the steps of their runs, warm-up left out; `others` and `floor` as in `ratio_interval`.

    With a reason against the comparison there is no verdict on the speed, though its figures are still given.
    """
    if not baseline or not candidate:
        return Verdict(Outcome.NOT_COMPARABLE, _typical(baseline), _typical(candidate), None, tuple(reasons))
    interval = ratio_interval(baseline, candidate, others, floor)
    outcome = Outcome.NOT_COMPARABLE if reasons else _outcome(interval, _too_few(baseline, candidate, interval))
    return Verdict(outcome, _typical(baseline), _typical(candidate), interval, tuple(reasons))


def _too_few(baseline: Sequence[FairSteps], candidate: Sequence[FairSteps], interval: Interval) -> bool:
    """Whether nothing is concluded from so few runs, whatever they say."""
    lockstep = all(run.lockstep for run in (*baseline, *candidate))
    return interval.runs < (FEWEST_GROUPS if lockstep else FEWEST_JUDGED)


def _outcome(interval: Interval, too_few: bool) -> Outcome:
    if too_few:
        return Outcome.NOT_JUDGED
    if interval.high < 1:
        return Outcome.FASTER
    return Outcome.SLOWER if interval.low > 1 else Outcome.NO_DIFFERENCE


def _typical(runs: Sequence[FairSteps]) -> float | None:
    return float(np.median([run.median_ns for run in runs])) if runs else None
