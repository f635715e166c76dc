"""How often the screen follows the session: as often as its share of one core allows."""

from __future__ import annotations

FASTEST_S = 0.25
SLOWEST_S = 4.0
SHARE = 0.02
"""Part of one core that following may take; keys are answered at once and on top of it."""
SHARE_OF_BUSY = 0.005
"""The same where every core is busy, so that following slows the training."""
IDLE_PERCENT = 50.0
"""So much of one core must have been idle for following not to disturb the training."""
_WEIGHT = 0.3


class RefreshRate:
    """Stretches the interval between two looks at the session when a look costs too much processor time."""

    def __init__(self) -> None:
        self._cost_s = 0.0

    def next_interval_s(self, cost_s: float, idle_percent: float | None) -> float:
        """The time to wait after a round that took `cost_s` of processor time, painting included.

        `idle_percent` is what all cores together left unused, in percent of one core; None while that is unknown.
        """
        self._cost_s += _WEIGHT * (cost_s - self._cost_s)
        busy = idle_percent is not None and idle_percent < IDLE_PERCENT
        return min(SLOWEST_S, max(FASTEST_S, self._cost_s / (SHARE_OF_BUSY if busy else SHARE)))
