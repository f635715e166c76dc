"""How often the screen follows the session: as often as its share of one core allows."""

from __future__ import annotations

FASTEST_S = 0.25
SLOWEST_S = 2.0
SHARE = 0.01
"""Part of one core that following may take; keys are answered at once and on top of it."""
_WEIGHT = 0.3


class Pace:
    """Stretches the interval between two looks at the session when a look costs too much processor time."""

    def __init__(self) -> None:
        self._cost_s = 0.0

    def next_interval_s(self, cost_s: float) -> float:
        """The time to wait after a round that took `cost_s` of processor time, painting included."""
        self._cost_s += _WEIGHT * (cost_s - self._cost_s)
        return min(SLOWEST_S, max(FASTEST_S, self._cost_s / SHARE))
