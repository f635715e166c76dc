"""The ratio of two sides' step times and its confidence interval, with the run as the unit.

SciPy is imported where it is called: half a second that nobody who does not compare should wait for.

Steps of one process resemble each other more than steps of two: a process keeps its memory layout, its threads' places
and its neighbours. So each run counts as one sample, its median step, however many steps it has.

Runs of an experiment are compared in pairs, each with its neighbour in time: what slows the machine for a minute slows
both, and leaves their ratio. Measured on two shared cores, medians of runs 3 s apart: +- 4.8 % by themselves, their
ratios as if they were +- 3.5 %.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from profilednn_tui.compare.samples import FairSteps
from profilednn_tui.compare.warmup import Floats

CONFIDENCE = 0.95
POWER = 0.8
"""With which a difference of the size `Interval.smallest_difference` would be found."""
RESAMPLES = 9_999
BATCH = 1_000
"""Of them at a time: the pseudomedian takes memory as the square of the runs."""
SEED = 0
"""The same runs always give the same interval."""
FEWEST_RUNS = 4
"""Of each side, for an interval from the runs alone: of two times three equal ones, one order in ten separates them."""
ASSUMED_SPREAD = 0.025
"""Standard deviation of the logarithm of a run's median step that is assumed while there are fewer runs: typical of
quiet machines, and said beside every verdict that rests on it."""
FEWEST_PAIRS = 7
"""For an interval from pairs: of normal ones, 3.5 % of the intervals miss with seven, and 6 % with six."""
BATCHES = 10


@dataclass(frozen=True, slots=True)
class Interval:
    """Step time of the candidate divided by that of the baseline: below one is faster."""

    ratio: float
    low: float
    high: float
    assumed: bool
    """Whether the spread between runs had to be assumed."""
    pairs: int = 0
    """Of neighbouring runs, whose ratios it is from; none when the sides were resampled each by itself."""

    @property
    def smallest_difference(self) -> float:
        """The relative difference that would have been found with a probability of `POWER`.

        For an estimate that is normal on the logarithmic scale: half the interval is z(97.5 %) standard errors, and
        z(97.5 %) + z(80 %) of them are needed.
        """
        from scipy import stats

        half = math.log(self.high / self.low) / 2
        found = 1 + stats.norm.ppf(POWER) / stats.norm.ppf((1 + CONFIDENCE) / 2)
        return math.expm1(half * found)


def ratio_interval(
    baseline: Sequence[FairSteps], candidate: Sequence[FairSteps], others: tuple[float, float] = (0.0, 0.0)
) -> Interval:
    """The ratio of the sides' step times, from the median step of each run; each side is its runs, warm-up left out.

    With enough pairs of an experiment it is the Hodges-Lehmann estimate over the pairs' ratios ("Estimates of Location
    Based on Rank Tests", Annals of Mathematical Statistics 34, 1963), else the ratio of the medians over runs. `others`
    is the fraction of the cores that something else used during each side's runs. It matters where the runs are too few
    to show their spread: so much of the time may then be somebody else's.
    """
    sides = [np.array([math.log(run.median_ns) for run in runs]) for runs in (baseline, candidate)]
    pairs = _pairs(baseline, candidate)
    if len(pairs) >= FEWEST_PAIRS:
        differences = np.array([sides[1][second] - sides[0][first] for first, second in pairs])
        low, high = _bootstrap((differences,), _pseudomedian)
        return Interval(
            math.exp(_pseudomedian(differences)), math.exp(low), math.exp(high), assumed=False, pairs=len(pairs)
        )
    ratio = math.exp(np.median(sides[1]) - np.median(sides[0]))
    if min(map(len, sides)) >= FEWEST_RUNS:
        low, high = _bootstrap(sides, _median_difference)
        return Interval(ratio, math.exp(low), math.exp(high), assumed=False)
    variance = sum(
        _assumed_variance(medians, runs) + taken**2
        for medians, runs, taken in zip(sides, (baseline, candidate), others, strict=True)
    )
    from scipy import stats

    half = stats.norm.ppf((1 + CONFIDENCE) / 2) * math.sqrt(variance)
    return Interval(ratio, ratio * math.exp(-half), ratio * math.exp(half), assumed=True)


def _pairs(baseline: Sequence[FairSteps], candidate: Sequence[FairSteps]) -> list[tuple[int, int]]:
    """Indices of the runs that were made in the same turn."""
    places = {run.turn: place for place, run in enumerate(baseline) if run.turn is not None}
    return [(places[run.turn], place) for place, run in enumerate(candidate) if run.turn in places]


def _bootstrap(samples: Sequence[Floats], statistic: Callable[..., Floats]) -> tuple[float, float]:
    """Percentile bootstrap, each sample resampled by itself; expanded for small samples.

    The expansion is that of Hesterberg, "What Teachers Should Know About the Bootstrap" (The American Statistician 69,
    2015): plain percentiles of a small sample are too narrow by the factors between n - 1 and n and between the normal
    and the t distribution, which the confidence level makes up for.
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


def _pseudomedian(values: Floats, axis: int = -1) -> Floats:
    """The median of the means of all pairs of values, each with itself too."""
    first, second = np.triu_indices(values.shape[axis])
    middle: Floats = np.median((values.take(first, axis) + values.take(second, axis)) / 2, axis=axis)
    return middle


def _assumed_variance(medians: Floats, runs: Sequence[FairSteps]) -> float:
    """Of the logarithm of a side's step time, when its runs are too few to tell: the larger of seen and assumed."""
    seen = float(np.var(medians, ddof=1)) if len(medians) > 1 else 0.0
    within = float(np.mean([_variance_within(run.durations_ns) for run in runs]))
    return (max(seen, ASSUMED_SPREAD**2) + within) / len(medians)


def _variance_within(run: Floats) -> float:
    """Of the logarithm of one run's median, by batch means: neighbouring steps are not independent."""
    batches = [np.median(batch) for batch in np.array_split(np.log(run), min(BATCHES, len(run)))]
    return float(np.var(batches, ddof=1)) / len(batches) if len(batches) > 1 else ASSUMED_SPREAD**2
