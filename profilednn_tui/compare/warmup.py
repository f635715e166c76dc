"""Finds the end of a run's warm-up."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]

LARGEST_SHARE = 0.5
"""Share of the steps that may be warm-up: a series that has not settled by then has no steady state."""
OUTLIER_DEVIATIONS = 5.0
"""In robust standard deviations of the second half: a late outlier must not turn all steps before it into warm-up."""
NEARLY = 1.1
FEWEST_STEPS = 8
_NORMAL_CONSISTENCY = 1.4826
"""Median absolute deviation of normal samples -> standard deviation."""


def warm_up_length(durations_ns: Floats) -> int:
    """The number of steps to leave out at the beginning.

    The rule is MSER (White, "An effective truncation heuristic for bias reduction in simulation output", Simulation
    69, 1997): cut where the standard error of the mean of the rest is smallest. As the minimum is flat, the first
    position whose squared error is within a factor of `NEARLY` is taken. Logarithms are used so that a first step that
    takes a thousand times longer does not hide a hundredth step that takes twice as long.

    `durations_ns` has shape (steps,), in execution order.
    """
    count = len(durations_ns)
    if count < FEWEST_STEPS:
        return min(1, max(0, count - 1))
    values: Floats = _without_late_outliers(np.log(durations_ns))
    values -= values.mean()  # keeps the squares below small
    rest = np.arange(count, 0, -1)
    sums = np.cumsum(values[::-1])[::-1]
    squares = np.cumsum((values**2)[::-1])[::-1]
    variance = np.maximum(0.0, squares / rest - (sums / rest) ** 2)
    last = int(count * LARGEST_SHARE)
    errors = (variance / rest)[: last + 1]
    return int(np.argmax(errors <= NEARLY * errors.min()))


def _without_late_outliers(values: Floats) -> Floats:
    half = values[len(values) // 2 :]
    centre = float(np.median(half))
    reach = OUTLIER_DEVIATIONS * _NORMAL_CONSISTENCY * float(np.median(np.abs(half - centre)))
    clipped: Floats = values.copy()
    clipped[len(values) // 2 :] = np.clip(half, centre - reach, centre + reach)
    return clipped
