"""Which of many parts have changed, given their values in each run of both sides.

A part may be an operator, a module, a phase or a node of a flame graph. Each is tested by itself; the false discovery
rate over all of them is controlled by the procedure of Benjamini and Hochberg ("Controlling the False Discovery Rate",
Journal of the Royal Statistical Society B 57, 1995).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]

FEWEST = 4
"""Runs per side, or pairs of runs, from which their own spread can be told."""
FALSE_DISCOVERIES = 0.05
"""Share of the parts that are said to have changed that may not have, on average."""
TRIMMED = 0.2
"""Share of the runs that is left out at either end."""
NOTABLE = 0.002
"""Parts that change by less than this share of the total are not worth telling."""
LARGE = 0.01
"""Parts below this share of the total are not tested: their times vary too much, and they matter too little."""
TREND_PARTS = 10
"""Parts from which it is looked at how the variance depends on the size."""


@dataclass(frozen=True, slots=True)
class Significance:
    """What can be told of the parts of two sides."""

    reason: str
    """Why nothing can be told; empty otherwise."""
    changed: npt.NDArray[np.bool_]
    """Of each part: whether its change is beyond what the runs vary by. All false if nothing can be told."""


def changed_parts(
    baseline: Floats, candidate: Floats, turns: tuple[Sequence[object], Sequence[object]], whole: float
) -> Significance:
    """Test the parts; `baseline` and `candidate` have one row per run and one column per part of `whole`.

    `turns` names the turn of each run, None if it has none: runs of the same turn are compared with each other, so that
    what disturbs all of a turn does not count.
    """
    changed = np.zeros(baseline.shape[1], dtype=bool)
    pairs = _pairs(turns)
    fewest = min(len(baseline), len(candidate))
    if len(pairs) < FEWEST and fewest < FEWEST:
        runs = "one run" if fewest == 1 else f"{fewest} runs"
        return Significance(f"{runs} per side cannot tell how much a part varies: {FEWEST} are needed", changed)
    before, after = baseline.mean(axis=0), candidate.mean(axis=0)
    large = np.maximum(before, after) >= max(LARGE * whole, 1e-300)
    changed[large] = _discoveries(_chances(baseline[:, large], candidate[:, large], pairs))
    return Significance("", changed & (np.abs(after - before) >= NOTABLE * whole))


def _pairs(turns: tuple[Sequence[object], Sequence[object]]) -> list[tuple[int, int]]:
    places = {turn: place for place, turn in enumerate(turns[0]) if turn is not None}
    return [(places[turn], place) for place, turn in enumerate(turns[1]) if turn in places]


def _chances(baseline: Floats, candidate: Floats, pairs: Sequence[tuple[int, int]]) -> Floats:
    """Two-sided p-values of the relative differences, of the pairs or, without enough of them, of the sides."""
    level = (baseline.mean(axis=0) + candidate.mean(axis=0)) / 2
    if len(pairs) >= FEWEST:
        first, second = (list(places) for places in zip(*pairs, strict=True))
        means, squares, kept = _trimmed((candidate[second] - baseline[first]) / level)
        return _moderated(means, squares / (kept - 1), kept - 1, 1 / kept, level)
    sides = [_trimmed(side / level) for side in (baseline, candidate)]
    kepts = [kept for _, _, kept in sides]
    degrees = sum(kepts) - 2
    variances = (sides[0][1] + sides[1][1]) / degrees
    return _moderated(sides[1][0] - sides[0][0], variances, degrees, sum(1 / kept for kept in kepts), level)


def _trimmed(values: Floats) -> tuple[Floats, Floats, int]:
    """Means without the extreme runs, sums of squares with these drawn in, and how many runs are left.

    A run whose windows were disturbed would hide what the others agree on (Yuen, "The Two-Sample Trimmed t for Unequal
    Population Variances", Biometrika 61, 1974).
    """
    ordered = np.sort(values, axis=0)
    out = int(TRIMMED * len(values))
    inner = ordered[out : len(values) - out]
    drawn_in = np.clip(ordered, inner[0], inner[-1])
    return inner.mean(axis=0), ((drawn_in - drawn_in.mean(axis=0)) ** 2).sum(axis=0), len(inner)


def _moderated(means: Floats, variances: Floats, degrees: int, per_run: float, level: Floats) -> Floats:
    """p-values of means whose squared errors are `per_run` of the variances; `level` is the size of each part.

    Few runs tell little about how much a single part varies, but all parts together tell how much parts do: each
    variance is drawn towards that which parts of its size have, as much as they are alike (Smyth, "Linear Models and
    Empirical Bayes Methods", Statistical Applications in Genetics and Molecular Biology 3, 2004).
    """
    from scipy import stats

    varying = variances > 0
    if not varying.any():
        return np.where(means == 0, 1.0, 0.0)
    prior_degrees, prior = _common_variance(variances, degrees, level, varying)
    if np.isinf(prior_degrees):
        together, all_degrees = prior, np.inf
    else:
        together = (prior_degrees * prior + degrees * variances) / (prior_degrees + degrees)
        all_degrees = prior_degrees + degrees
    statistic = np.abs(means) / np.sqrt(np.maximum(together * per_run, 1e-300))
    tails: Floats = 2 * (stats.norm.sf(statistic) if np.isinf(all_degrees) else stats.t.sf(statistic, all_degrees))
    return tails


def _common_variance(
    variances: Floats, degrees: int, level: Floats, varying: npt.NDArray[np.bool_]
) -> tuple[float, Floats]:
    """Degrees of freedom and values of the prior; infinitely many if the variances differ by chance alone."""
    from scipy.special import polygamma, psi

    logs = np.log(variances[varying]) - psi(degrees / 2) + np.log(degrees / 2)
    sizes = np.log(level)
    slope, start = np.polyfit(sizes[varying], logs, 1) if len(logs) >= TREND_PARTS else (0.0, float(logs.mean()))
    trend = start + slope * sizes
    rest = logs - trend[varying]
    excess = float(np.var(rest, ddof=1) - polygamma(1, degrees / 2)) if len(logs) > 1 else 0.0
    if excess <= 0:
        return np.inf, np.exp(trend)
    half = _inverse_trigamma(excess)
    return 2 * half, np.exp(trend + psi(half) - np.log(half))


def _inverse_trigamma(value: float) -> float:
    """Where the trigamma function has a value, by Newton's method, which is monotone from this start (Smyth 2004)."""
    from scipy.special import polygamma

    found = 0.5 + 1 / value
    for _ in range(50):
        trigamma = float(polygamma(1, found))
        step = trigamma * (1 - trigamma / value) / float(polygamma(2, found))
        found += step
        if abs(step) < 1e-8 * found:
            break
    return found


def _discoveries(chances: Floats) -> npt.NDArray[np.bool_]:
    """The parts that are rejected at `FALSE_DISCOVERIES`."""
    order = np.argsort(chances)
    limits = FALSE_DISCOVERIES * np.arange(1, len(chances) + 1) / len(chances)
    below = np.flatnonzero(chances[order] <= limits)
    found = np.zeros(len(chances), dtype=bool)
    if len(below):
        found[order[: below[-1] + 1]] = True
    return found
