"""What each of several switches does to the step time, when all are switched at random from block to block.

A block is a few steps of one process under one setting. Because every block says something about every switch, a
process tells as much about each of them as if it had been there for that one alone (Fisher, "The Design of
Experiments", 1935). The logarithm of a block's step time is explained by the switches, by a few pairs of them, by the
size of the inputs where it changes, and by a slow drift of the machine.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from itertools import combinations, pairwise

import numpy as np

from profilednn_tui.compare.warmup import Floats

HUBER = 1.345
"""In units of the residuals' scale: 95 % as efficient as least squares if they are normal (Huber, "Robust Statistics",
1981)."""
ITERATIONS, SETTLED = 30, 1e-3
"""At most so many, until no weight changes by more."""
BLOCKS_PER_KNOT = 15
MOST_KNOTS = 12
"""Of the drift, which is linear between them."""
MOST_PAIRS = 3
PAIR_ERROR = 0.05
"""Probability that any pair is taken in by chance."""
SPARE_BLOCKS = 5
"""So many blocks more than unknowns are the least for an interval."""
LEAST_GAIN = 0.01
"""A switch that wins less is not worth being set."""
LEFT_OUT_LIMIT = 0.02
"""A step after a switch counts as settled if it is at most so much slower than the later ones of its block."""


@dataclass(frozen=True, slots=True)
class Switch:
    """One thing that can be switched between steps: an optimization, or a number of threads."""

    name: str
    optimization: str = ""
    threads: int = 0


@dataclass(frozen=True, slots=True)
class Block:
    """Some consecutive steps under one setting."""

    on: frozenset[str]
    """Names of the switches that are on."""
    durations_ns: tuple[int, ...]
    """All its steps, the first one right after the switch."""
    at_s: float
    """When it ended."""
    process: int = 0
    """Which of several processes, one after the other, it was in."""
    input_elements: tuple[int, ...] = ()
    """How large the inputs of its steps were; empty if unknown."""


@dataclass(frozen=True, slots=True)
class Effect:
    """What a switch does to the step time, averaged over the settings of the others."""

    name: str
    ratio: float
    """Step time with it divided by that without it: below 1 is faster."""
    low: float
    high: float
    steps: int
    """Steps that were measured with it on."""
    left_out: int = 0
    """Steps after each switching that were left out."""


@dataclass(frozen=True, slots=True)
class Estimate:
    """All effects, and how they work together."""

    effects: tuple[Effect, ...] = ()
    pairs: tuple[tuple[str, str, float], ...] = ()
    """Two switches and the factor by which both together differ from the product of their effects."""
    blocks: int = 0
    residual: float = 0.0
    """Robust standard deviation of a block's logarithm around the fit."""


def left_out_steps(blocks: Sequence[Block], switches: Sequence[Switch]) -> int:
    """How many steps after a switch are not like the later ones of their block, at most half of a block.

    A step counts as settled if, over all blocks in which a switch has changed, it is slower than the later half of
    its block by less than two standard errors, or by less than `LEFT_OUT_LIMIT`; that must hold for each switch.
    """
    lengths = [len(block.durations_ns) for block in blocks]
    if len(blocks) < 2:
        return 0
    half = min(lengths) // 2
    later = [float(np.median(block.durations_ns[half:])) for block in blocks]
    rows = [
        [math.log(duration_ns / usual_ns) for duration_ns in block.durations_ns[:half]]
        for block, usual_ns in zip(blocks[1:], later[1:], strict=True)
    ]
    excess = np.array(rows).reshape(len(blocks) - 1, half)
    unsettled = 0
    for switch in switches:
        changed = np.array(
            [(switch.name in after.on) != (switch.name in before.on) for before, after in pairwise(blocks)]
        )
        if changed.sum() < 3:
            continue
        middle = np.median(excess[changed], axis=0)
        error = 1.4826 * np.median(np.abs(excess[changed] - middle), axis=0) * math.sqrt(math.pi / 2 / changed.sum())
        late = np.flatnonzero((middle > 2 * error) & (middle > LEFT_OUT_LIMIT))
        unsettled = max(unsettled, int(late[-1]) + 1 if late.size else 0)
    return unsettled


def estimate(blocks: Sequence[Block], switches: Sequence[Switch], error: float) -> Estimate:
    """The effects with intervals that all miss with probability `error`; empty if there are too few blocks.

    The fit is by iteratively reweighted least squares with Huber's weights. Errors of neighbouring blocks may be
    correlated: the intervals use the estimate of Newey and West ("A Simple, Positive Semi-Definite, Heteroskedasticity
    and Autocorrelation Consistent Covariance Matrix", Econometrica 55, 1987).
    """
    left_out = left_out_steps(blocks, switches)
    kept = _of_known_size([block for block in blocks if len(block.durations_ns) > left_out])
    seen = [one for one in switches if 0 < sum(one.name in block.on for block in kept) < len(kept)]
    knots = max(1, min(MOST_KNOTS, len(kept) // BLOCKS_PER_KNOT))
    if not seen or len(kept) < len(seen) + knots + 1 + SPARE_BLOCKS:
        return Estimate(blocks=len(kept))
    times = np.array([math.log(float(np.median(block.durations_ns[left_out:]))) for block in kept])
    drift = _drift(np.array([block.at_s for block in kept]), np.array([block.process for block in kept]), knots)
    sizes = [_size(block, left_out) for block in kept]
    if len(set(sizes)) > 1:
        drift = np.column_stack([drift, np.log(sizes) - np.mean(np.log(sizes))])
    columns = {one.name: np.array([(one.name in block.on) - 0.5 for block in kept]) for one in seen}
    pairs = _pairs(times, columns, drift)
    fit = _fit(times, [*columns.values(), *(columns[first] * columns[second] for first, second in pairs)], drift)
    quantile = _quantile(1 - error / 2, len(kept) - fit.unknowns)
    effects = []
    for place, one in enumerate(seen):
        middle, half = fit.slopes[place], quantile * fit.errors[place]
        steps = sum(len(block.durations_ns) - left_out for block in kept if one.name in block.on)
        ratio, low, high = (math.exp(value) for value in (middle, middle - half, middle + half))
        effects.append(Effect(one.name, ratio, low, high, steps, left_out))
    together = [(*pair, math.exp(float(slope))) for pair, slope in zip(pairs, fit.slopes[len(seen) :], strict=True)]
    return Estimate(tuple(effects), tuple(together), len(kept), fit.scale)


def _of_known_size(blocks: Sequence[Block]) -> Sequence[Block]:
    """The blocks with known sizes of inputs if those of most are known; else all, with none."""
    known = [block for block in blocks if block.input_elements]
    if len(known) > len(blocks) / 2:
        return known
    return [replace(block, input_elements=()) for block in blocks]


def _size(block: Block, left_out: int) -> float:
    """The median size of the inputs of a block's settled steps; 1 if unknown."""
    return float(np.median(block.input_elements[left_out:])) if block.input_elements else 1.0


def best_setting(found: Estimate, exclusive: Collection[Collection[str]] = ()) -> tuple[str, ...]:
    """The switches that make steps shorter beyond doubt, and together; of those that exclude each other, one.

    Pairs count as well: a switch is left out if steps are shorter without it, beside the others.
    """
    helping = {one.name: math.log(one.ratio) for one in found.effects if one.high < 1 and one.ratio <= 1 - LEAST_GAIN}
    for group in exclusive:
        rivals = sorted((name for name in group if name in helping), key=lambda name: helping[name])
        for name in rivals[1:]:
            del helping[name]
    pairs = {(first, second): math.log(factor) for first, second, factor in found.pairs}
    chosen = set(helping)

    def predicted(names: Collection[str]) -> float:
        total = sum(helping[name] for name in names)
        for (first, second), slope in pairs.items():
            total += slope * ((first in names) - 0.5) * ((second in names) - 0.5)
        return total

    while chosen:
        without = {name: predicted(chosen - {name}) for name in sorted(chosen)}
        worst = min(without, key=lambda name: without[name])
        if without[worst] >= predicted(chosen):
            break
        chosen.remove(worst)
    return tuple(sorted(chosen))


@dataclass(frozen=True, slots=True)
class _Fit:
    slopes: Floats
    """Of the columns; shape (columns,)."""
    errors: Floats
    scale: float
    unknowns: int


def _fit(times: Floats, columns: Sequence[Floats], drift: Floats) -> _Fit:
    """Explain `times` (blocks,) by `columns`, each (blocks,), and a drift (blocks, knots + 1)."""
    matrix = np.column_stack([*columns, drift])
    weights = np.ones(len(times))
    residuals = times
    scale = 0.0
    count, unknowns = matrix.shape
    shrunk = math.sqrt(count / max(1, count - unknowns))  # residuals are smaller than errors: the fit follows some
    for _ in range(ITERATIONS):
        root = np.sqrt(weights)
        slopes, *_rest = np.linalg.lstsq(matrix * root[:, None], times * root, rcond=None)
        residuals = times - matrix @ slopes
        scale = 1.4826 * float(np.median(np.abs(residuals))) * shrunk
        if scale == 0:
            break
        before, weights = weights, np.minimum(1.0, HUBER * scale / np.maximum(np.abs(residuals), 1e-12))
        if float(np.max(np.abs(weights - before))) < SETTLED:
            break
    inverse = np.linalg.pinv(matrix.T @ (matrix * weights[:, None]))
    scores = matrix * (weights * residuals)[:, None]
    covariance = inverse @ _long_run(scores) @ inverse
    # With few blocks, that is too small by chance: no less than what independent errors would give (Huber, 1981, 7.6).
    plain = float(np.mean(weights == 1.0))
    spread = float(np.sum((weights * residuals) ** 2)) / max(1, count - unknowns) / plain**2
    spread *= (1 + unknowns / count * (1 - plain) / plain) ** 2
    independent = spread * np.diag(np.linalg.pinv(matrix.T @ matrix))
    variances = np.maximum(np.diag(covariance) * count / max(1, count - unknowns), independent)
    errors = np.sqrt(np.maximum(0.0, variances))[: len(columns)]
    return _Fit(slopes[: len(columns)], errors, scale, unknowns)


def _long_run(scores: Floats) -> Floats:
    """The covariance of the sum of `scores` (blocks, unknowns), by Newey and West with their usual number of lags."""
    count = len(scores)
    total: Floats = scores.T @ scores
    lags = int(4 * (count / 100) ** (2 / 9))
    for lag in range(1, lags + 1):
        between = scores[lag:].T @ scores[:-lag]
        total = total + (1 - lag / (lags + 1)) * (between + between.T)
    return total


def _drift(at_s: Floats, process: Floats, knots: int) -> Floats:
    """Functions of time that are linear between evenly spaced knots, and one for each further process.

    The shape is (blocks, knots + processes).
    """
    places = np.linspace(at_s[0], at_s[-1], knots + 1)
    rows = [np.interp(at_s, places, row) for row in np.eye(knots + 1)]
    rows += [(process == number).astype(float) for number in np.unique(process)[1:]]
    found: Floats = np.column_stack(rows)
    return found


def _pairs(times: Floats, columns: dict[str, Floats], drift: Floats) -> list[tuple[str, str]]:
    """The pairs that explain more than chance would; the clearest first, at most `MOST_PAIRS`."""
    candidates = [pair for pair in combinations(columns, 2) if _crossed(columns[pair[0]], columns[pair[1]])]
    if not candidates or len(times) < 2 * (len(columns) + drift.shape[1] + SPARE_BLOCKS):
        return []
    limit = _quantile(1 - PAIR_ERROR / len(candidates) / 2, len(times) - len(columns) - drift.shape[1] - 1)
    found: dict[tuple[str, str], float] = {}
    for first, second in candidates:
        fit = _fit(times, [*columns.values(), columns[first] * columns[second]], drift)
        if fit.errors[-1] > 0 and abs(fit.slopes[-1]) > limit * fit.errors[-1]:
            found[first, second] = abs(float(fit.slopes[-1]) / float(fit.errors[-1]))
    return sorted(found, key=lambda pair: -found[pair])[:MOST_PAIRS]


def _crossed(first: Floats, second: Floats) -> bool:
    """Whether all four combinations of two switches occur: numbers of threads exclude each other."""
    return len(set(zip(first > 0, second > 0, strict=True))) == 4


def _quantile(probability: float, degrees: int) -> float:
    from scipy import stats

    return float(stats.t.ppf(probability, max(1, degrees)))


def undecided(found: Estimate, worth: float) -> tuple[str, ...]:
    """The switches of which it is not yet known whether they make steps shorter, or cannot do so by `worth`."""
    return tuple(one.name for one in found.effects if not (one.high < 1 or one.low > 1 - worth))
