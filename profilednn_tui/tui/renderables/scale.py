"""Axes."""

from __future__ import annotations

import math
from collections.abc import Sequence

_STEPS = (1.0, 1.2, 1.5, 2.0, 2.5, 3.0, 4.0, 5.0, 6.0, 8.0, 10.0)


def nice_ceiling(value: float) -> float:
    """The next round number, for axis labels that are readable and rarely change."""
    if value <= 0:
        return 1.0
    magnitude = 10.0 ** math.floor(math.log10(value))
    return next(step for step in _STEPS if value <= step * magnitude * (1 + 1e-9)) * magnitude


def ceiling_for(values: Sequence[float], headroom: float = 1.1) -> float:
    """The top of an axis for the usual values: a few outliers, such as a run's first steps, do not flatten them."""
    if not values:
        return 1.0
    ordered = sorted(values)
    usual = ordered[int((len(ordered) - 1) * 0.8)]
    return nice_ceiling(min(ordered[-1], usual * 1.8) * headroom)
