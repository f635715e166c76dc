"""The gradient noise scale from pairs of neighbouring updates.

The gradient of a batch of B samples is the true one, G, and noise: its expected square is |G|^2 + tr(S) / B, with S the
covariance of single samples (McCandlish et al. 2018, An Empirical Model of Large-Batch Training, appendix A.1). Batches
of neighbouring updates have independent noise and nearly the same G, so the expected product of their gradients is
|G|^2. Both together give B_simple = tr(S) / |G|^2 (eq. 2.9), which is taken for B_noise.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from profilednn_tui.ranks.efficiency import CONFIDENCE, Estimate
from profilednn_tui.session.view import GradientPair

FEWEST_PAIRS = 16


@dataclass(frozen=True, slots=True)
class MeasuredNoise:
    """What a session tells of its noise."""

    session: str
    first: int
    last: int
    """The updates that it covers."""
    scale: Estimate | None
    """In samples; None if they do not tell it."""
    reason: str = ""
    """Why they do not."""


def measured_noise(session: str, pairs: Sequence[GradientPair], global_batch: int) -> MeasuredNoise:
    """The noise scale of a session, whose pairs must be some, with the jackknife's interval (Miller 1974)."""
    first, last, count = pairs[0].update - 1, pairs[-1].update, len(pairs)
    if count < FEWEST_PAIRS:
        return MeasuredNoise(session, first, last, None, f"{count} pairs of updates, and {FEWEST_PAIRS} are needed")
    squares, products = np.array([(pair.square, pair.product) for pair in pairs]).T
    without = (products.sum() - products) / (count - 1)
    spread = float(products.std(ddof=1)) / math.sqrt(count)
    if products.mean() <= 2 * spread or without.min() <= 0:
        return MeasuredNoise(session, first, last, None, "the noise hides the gradient: record more updates")
    scale = _scale(float(squares.mean()), float(products.mean()), global_batch)
    each = (squares.sum() - squares) / (count - 1)
    scales = [_scale(*pair, global_batch) for pair in zip(each.tolist(), without.tolist(), strict=True)]
    logs = np.log(scales)
    error = math.sqrt((count - 1) / count * float(((logs - logs.mean()) ** 2).sum()))
    from scipy import stats

    half = float(stats.t.ppf((1 + CONFIDENCE) / 2, count - 1)) * error
    return MeasuredNoise(session, first, last, Estimate(scale, scale * math.exp(-half), scale * math.exp(half)))


def _scale(square: float, product: float, global_batch: int) -> float:
    return global_batch * max(square / product - 1, 1e-9)
