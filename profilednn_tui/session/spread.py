"""How much runs of the same configuration differ: what a verdict from few runs has to allow for."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

MIN_DEGREES = 10
"""Degrees of freedom from which a measured spread is accurate enough: its standard error is then 22 %."""


@dataclass(frozen=True, slots=True)
class Spread:
    """Standard deviation of the logarithm of a run's median step."""

    deviation: float
    degrees: int = 0
    """Degrees of freedom of the estimate, from earlier runs on this machine; 0 if it is assumed."""

    @property
    def assumed(self) -> bool:
        return not self.degrees


WITHIN_EXPERIMENT = Spread(0.05)
"""Assumed for runs made one after the other: a shared machine with 2 cores has shown 5.4 % in the median."""
BETWEEN_SESSIONS = Spread(0.075)
"""Assumed for sessions recorded at different times."""


def pooled(groups: Iterable[Sequence[float]]) -> Spread | None:
    """The pooled spread of groups of runs, each given as the logarithms of its runs' median steps.

    None if they have fewer than `MIN_DEGREES` degrees of freedom in total.
    """
    squares, degrees = 0.0, 0
    for group in groups:
        if len(group) > 1:
            mean = sum(group) / len(group)
            squares += sum((value - mean) ** 2 for value in group)
            degrees += len(group) - 1
    return Spread(math.sqrt(squares / degrees), degrees) if degrees >= MIN_DEGREES else None
