"""The ratio of two sides' step times and its confidence interval, with the run as the unit.

SciPy is imported where it is called, because importing it takes half a second and only comparisons need it.

Steps of one process resemble each other more than steps of two processes: a process keeps its memory layout, thread
placement and neighbours. So each run counts as one sample, its median step, however many steps it has.

Runs of an experiment are compared in pairs of neighbours in time: whatever slows the machine for a minute slows both
and cancels out in their ratio. Measured on two shared cores, medians of runs 3 s apart: +- 4.8 % individually, their
ratios as if they were +- 3.5 %.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from profilednn_tui.compare.samples import FairSteps, in_lockstep
from profilednn_tui.compare.warmup import Floats
from profilednn_tui.session.spread import BETWEEN_SESSIONS, Spread

CONFIDENCE = 0.95
POWER = 0.8
"""Probability of detecting a difference of `Interval.smallest_difference`."""
RESAMPLES = 9_999
BATCH = 1_000
"""Resamples at a time."""
MOST_RUNS = 1_000
SEED = 0
"""The same runs always give the same interval."""
FEWEST_RUNS = 4
"""Per side, for an interval from these runs alone: one in ten orderings of 2 x 3 equal runs separates the sides."""
FEWEST_PAIRS = 7
"""For an interval from pairs run in turn: from 6 on, the signed-rank test can reject at 5 % at all."""
FEWEST_GROUPS = 4
"""In lockstep, where each group gives one ratio. Fewer give no verdict."""
BATCHES = 10
EXACT_RANKS = 50


@dataclass(frozen=True, slots=True)
class Interval:
    """Step time of the candidate divided by that of the baseline: below 1 is faster."""

    ratio: float
    low: float
    high: float
    runs: int
    """Number of runs on the side with fewer; in lockstep, number of groups."""
    floor: Spread | None = None
    """The minimum spread between runs that was allowed for; None if there were enough runs to show it."""
    pairs: int = 0
    """Number of neighbouring pairs whose ratios were used; 0 if the sides were treated separately."""
    fixed: float = 0.0
    """The part of the squared standard error that more runs do not reduce: each side is of one time."""

    @property
    def assumed(self) -> bool:
        """Whether the interval relies on an assumed spread instead of a measured one."""
        return self.floor is not None and self.floor.assumed

    @property
    def smallest_difference(self) -> float:
        """The relative difference that would have been detected with probability `POWER`.

        For an estimate that is normal on a log scale: half the interval is z(97.5 %) standard errors, and z(97.5 %) +
        z(80 %) standard errors are needed.
        """
        from scipy import stats

        half = math.log(self.high / self.low) / 2
        found = 1 + stats.norm.ppf(POWER) / stats.norm.ppf((1 + CONFIDENCE) / 2)
        return math.expm1(min(half * found, 700.0))

    def more_runs(self, limit: float) -> int:
        """How many more runs per side would probably detect a relative difference of `limit`; 0 if these are enough.

        The standard error shrinks with the square root of the number of runs; with few runs, the quantile of the t
        distribution shrinks as well.
        """
        from scipy import stats

        if self.smallest_difference <= limit and self.runs >= FEWEST_RUNS:
            return 0
        half = math.log(self.high / self.low) / 2
        squared = max(0.0, (half / self._quantile(self.runs)) ** 2 - self.fixed) * self.runs  # of one run
        wanted = math.log1p(limit)
        for runs in range(max(FEWEST_RUNS, self.runs + 1), MOST_RUNS):
            quantiles = self._quantile(runs) + stats.norm.ppf(POWER)
            if quantiles * math.sqrt(squared / runs + self.fixed) <= wanted:
                return runs - self.runs
        return MOST_RUNS

    def _quantile(self, runs: int) -> float:
        from scipy import stats

        if runs == 1:
            return float(stats.norm.ppf((1 + CONFIDENCE) / 2))
        degrees = runs - 1 if self.pairs else 2 * runs - 2
        return float(stats.t.ppf((1 + CONFIDENCE) / 2, degrees))


def runs_for(limit: float, spread: Spread) -> int:
    """How many runs per side would probably detect a relative difference of `limit`, given how much runs differ."""
    from scipy import stats

    half = float(stats.norm.ppf((1 + CONFIDENCE) / 2)) * math.sqrt(2) * spread.deviation
    return 1 + Interval(1.0, math.exp(-half), math.exp(half), 1).more_runs(limit)


def ratio_interval(
    baseline: Sequence[FairSteps],
    candidate: Sequence[FairSteps],
    others: tuple[float, float] = (0.0, 0.0),
    floor: Spread = BETWEEN_SESSIONS,
    apart: bool = False,
) -> Interval:
    """The ratio of the sides' step times, from the median step of each run; each side is its runs without warm-up.

    With enough pairs of an experiment, it is the Hodges-Lehmann estimate over the pairs' ratios with the interval of
    Wilcoxon's signed-rank test ("Estimates of Location Based on Rank Tests", Annals of Mathematical Statistics 34,
    1963); with enough groups in lockstep, the mean of their log ratios with its t interval; otherwise the ratio of the
    medians over runs. With fewer than `FEWEST_RUNS` runs per side, it is the ratio of their geometric means with
    Student's pooled t interval, assuming a spread of at least `floor`. `others` is the fraction of the cores that other
    processes used during each side's runs: it widens the interval if there are too few runs to show their spread.

    The sides are `apart` if all runs of one were made before those of the other: then what the machine did in between
    does not average out over runs, and a side varies by `floor` as a whole, less what its own runs show.
    """
    from scipy import stats

    sides = [np.array([math.log(run.median_ns) for run in runs]) for runs in (baseline, candidate)]
    fewest = min(map(len, sides))
    pairs = _pairs(baseline, candidate)
    differences = np.array([sides[1][second] - sides[0][first] for first, second in pairs])
    if len(pairs) >= FEWEST_PAIRS:
        middle, low, high = _signed_rank(differences)
        return _interval(middle, low, high, len(pairs), pairs=len(pairs))
    if len(pairs) >= FEWEST_GROUPS and in_lockstep(baseline, candidate):
        half = _t_half(float(np.var(differences, ddof=1)) / len(pairs), len(pairs) - 1)
        middle = float(np.mean(differences))
        return _interval(middle, middle - half, middle + half, len(pairs), pairs=len(pairs))
    fixed = _between(sides, floor) if apart and fewest > 1 else 0.0
    if fewest >= FEWEST_RUNS:
        low, high = _bootstrap(sides, _median_difference)
        middle = float(np.median(sides[1]) - np.median(sides[0]))
        more = fixed * float(stats.norm.ppf((1 + CONFIDENCE) / 2)) ** 2
        low, high = middle - math.sqrt((middle - low) ** 2 + more), middle + math.sqrt((high - middle) ** 2 + more)
        return _interval(middle, low, high, fewest, floor if fixed else None, fixed=fixed)
    middle = float(np.mean(sides[1]) - np.mean(sides[0]))
    half = _half_of_few(sides, (baseline, candidate), others, floor, fixed)
    return _interval(middle, middle - half, middle + half, fewest, floor, fixed=fixed)


def _interval(
    middle: float,
    low: float,
    high: float,
    runs: int,
    floor: Spread | None = None,
    pairs: int = 0,
    fixed: float = 0.0,
) -> Interval:
    return Interval(math.exp(middle), math.exp(low), math.exp(high), runs, floor, pairs, fixed)


def _pooled(sides: Sequence[Floats]) -> float:
    """The variance within the sides; 0 if each has one run."""
    degrees = sum(map(len, sides)) - len(sides)
    return sum(float(np.sum((side - side.mean()) ** 2)) for side in sides) / degrees if degrees else 0.0


def _between(sides: Sequence[Floats], floor: Spread) -> float:
    """The squared error of a difference of sides of different times, beyond what their own runs show."""
    return len(sides) * max(0.0, floor.deviation**2 - _pooled(sides))


def _half_of_few(
    sides: Sequence[Floats],
    runs: Sequence[Sequence[FairSteps]],
    others: Sequence[float],
    floor: Spread,
    fixed: float,
) -> float:
    """Half the width of the interval of a difference of means, if there are too few runs to show their spread."""
    from scipy import stats

    degrees = sum(map(len, sides)) - 2
    within = float(np.mean([_variance_within(run.durations_ns, floor) for side in runs for run in side]))
    seen, floored = _pooled(sides), floor.deviation**2 + within
    shares = sum(1 / len(side) for side in sides)
    error = max(seen * shares + fixed, floored * shares) + sum(taken**2 for taken in others)
    if min(map(len, sides)) == 1:
        # No verdict is based on it: it only shows how far apart two such runs can be expected to be.
        return float(stats.norm.ppf((1 + CONFIDENCE) / 2)) * math.sqrt(error)
    return _t_half(error, degrees)


def _t_half(squared_error: float, degrees: int) -> float:
    from scipy import stats

    return float(stats.t.ppf((1 + CONFIDENCE) / 2, degrees)) * math.sqrt(squared_error)


def _pairs(baseline: Sequence[FairSteps], candidate: Sequence[FairSteps]) -> list[tuple[int, int]]:
    """Indices of runs made in the same turn."""
    places = {run.turn: place for place, run in enumerate(baseline) if run.turn is not None}
    return [(places[run.turn], place) for place, run in enumerate(candidate) if run.turn in places]


def _bootstrap(samples: Sequence[Floats], statistic: Callable[..., Floats]) -> tuple[float, float]:
    """Percentile bootstrap with each sample resampled separately, expanded for small samples.

    The expansion follows Hesterberg, "What Teachers Should Know About the Bootstrap" (The American Statistician 69,
    2015): plain percentiles of a small sample are too narrow, because of n instead of n - 1 and the normal instead of
    the t distribution. A higher confidence level compensates for both.
    """
    from scipy import stats

    fewest = min(map(len, samples))
    z = math.sqrt(fewest / (fewest - 1)) * stats.t.ppf((1 + CONFIDENCE) / 2, fewest - 1)
    if all(np.ptp(sample) == 0 for sample in samples):
        only = float(statistic(*samples))
        return only, only
    found = stats.bootstrap(
        samples,
        statistic,
        confidence_level=1 - 2 * float(stats.norm.sf(z)),
        n_resamples=RESAMPLES,
        batch=BATCH,
        method="percentile",
        rng=np.random.default_rng(SEED),
    )
    return float(found.confidence_interval.low), float(found.confidence_interval.high)


def _median_difference(baseline: Floats, candidate: Floats, axis: int = -1) -> Floats:
    difference: Floats = np.median(candidate, axis=axis) - np.median(baseline, axis=axis)
    return difference


def _signed_rank(values: Floats) -> tuple[float, float, float]:
    """The pseudomedian of some values and its interval: the means of all pairs of values, themselves included.

    Its ends are those means from which Wilcoxon's signed-rank test would reject the true value at 5 %; it holds for any
    symmetric distribution.
    """
    first, second = np.triu_indices(len(values))
    means = np.sort((values[first] + values[second]) / 2)
    place = _signed_rank_place(len(values))
    return float(np.median(means)), float(means[place - 1]), float(means[-place])


def _signed_rank_place(count: int) -> int:
    """The place of the interval's ends among the sorted means, from 1, counted from either side.

    It is the smallest sum of ranks that `count` values reach or stay below with a probability of more than 2.5 %, and
    at least 1. The number of ways to reach each sum is exact for few values and normal for many.
    """
    from scipy import stats

    if count > EXACT_RANKS:
        mean, variance = count * (count + 1) / 4, count * (count + 1) * (2 * count + 1) / 24
        return int(mean - float(stats.norm.ppf((1 + CONFIDENCE) / 2)) * math.sqrt(variance)) + 1
    ways = np.zeros(count * (count + 1) // 2 + 1)
    ways[0] = 1.0
    for rank in range(1, count + 1):
        ways[rank:] = ways[rank:] + ways[:-rank]
    chances = np.cumsum(ways) / 2.0**count
    return max(1, int(np.searchsorted(chances, (1 - CONFIDENCE) / 2, side="right")))


def _variance_within(run: Floats, floor: Spread) -> float:
    """Variance of the logarithm of a run's median, by batch means because neighbouring steps are not independent."""
    batches = [np.median(batch) for batch in np.array_split(np.log(run), min(BATCHES, len(run)))]
    return float(np.var(batches, ddof=1)) / len(batches) if len(batches) > 1 else floor.deviation**2
