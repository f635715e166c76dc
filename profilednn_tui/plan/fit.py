"""Sums of terms fitted to a few points, with intervals from leaving out each point in turn.

SciPy is imported where it is called: it takes half a second.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from profilednn_tui.plan.points import Setting
from profilednn_tui.plan.reach import Kind, reach
from profilednn_tui.ranks.efficiency import Estimate

CONFIDENCE = 0.9
FEWEST_LEFT_OUT = 3
"""Points whose neighbours predict them; with fewer there is no interval."""
RIDGE = 1e-3
"""Weight of the squared terms beside the squared relative errors: terms that the points cannot tell apart share."""

Terms = Callable[[Setting], tuple[float, ...]]


@dataclass(frozen=True, slots=True)
class Fit:
    """A sum of terms, each with a weight of at least 0."""

    terms: Terms
    weights: tuple[float, ...]

    def __call__(self, setting: Setting) -> float:
        """The value, in nanoseconds or bytes; at least 1."""
        return max(1.0, sum(weight * term for weight, term in zip(self.weights, self.terms(setting), strict=True)))


@dataclass(frozen=True, slots=True)
class LeftOut:
    """A fit without one of the points."""

    fit: Fit
    miss: float
    """By how much it misses that point: absolute logarithm of the ratio."""


@dataclass(frozen=True, slots=True)
class Predictor:
    """A fit to all points, and those without one."""

    whole: Fit
    left_out: tuple[LeftOut, ...]
    """Only where the other points carry the one left out."""

    @property
    def confidence(self) -> float | None:
        """Of the intervals; None if there are none."""
        count = len(self.left_out)
        return min(CONFIDENCE, count / (count + 1)) if count >= FEWEST_LEFT_OUT else None

    def predict(self, setting: Setting) -> Estimate:
        """The fit with the jackknife+ interval (Barber et al. 2021, Predictive inference with the jackknife+, eq. 4),
        of logarithms, as errors are relative."""
        value = self.whole(setting)
        if self.confidence is None:
            return Estimate(value)
        logs = [math.log(one.fit(setting)) for one in self.left_out]
        lows = sorted(log - one.miss for log, one in zip(logs, self.left_out, strict=True))
        highs = sorted(log + one.miss for log, one in zip(logs, self.left_out, strict=True))
        place = min(math.ceil(CONFIDENCE * (len(logs) + 1)), len(logs))
        return Estimate(value, min(math.exp(lows[-place]), value), max(math.exp(highs[place - 1]), value))


def predictor(terms: Terms, values: Mapping[Setting, float]) -> Predictor:
    """Fitted to positive values, of which there must be at least one."""
    left_out = []
    for setting, value in values.items():
        others = {other: values[other] for other in values if other != setting}
        if others and reach(setting, others).kind is Kind.PREDICTED:
            fit = fitted(terms, others)
            left_out.append(LeftOut(fit, abs(math.log(value / fit(setting)))))
    return Predictor(fitted(terms, values), tuple(left_out))


def fitted(terms: Terms, values: Mapping[Setting, float]) -> Fit:
    """The weights of at least 0 with the least squared relative error (non-negative least squares, Lawson and Hanson
    1974, chapter 23)."""
    from scipy.optimize import nnls

    given = np.array([terms(setting) for setting in values]) / np.array([*values.values()])[:, None]
    scale = np.linalg.norm(given, axis=0)
    scale[scale == 0] = 1.0
    ridge = math.sqrt(RIDGE) * np.eye(len(scale))
    wanted = np.concatenate([np.ones(len(values)), np.zeros(len(scale))])
    found, _ = nnls(np.vstack([given / scale, ridge]), wanted)
    return Fit(terms, tuple(float(weight) for weight in found / scale))
