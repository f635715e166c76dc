"""How often the screen is updated: as often as a share of one core allows."""

from __future__ import annotations

FASTEST_S = 0.25
SLOWEST_S = 4.0
SHARE = 0.02
"""Fraction of one core that updates may take; keys are answered at once, on top of it."""
SHARE_OF_BUSY = 0.005
"""The same if every core is busy, so that updates slow down training."""
IDLE_PERCENT = 50.0
"""If this much of one core was idle, updates do not disturb training."""
_WEIGHT = 0.3


class RefreshRate:
    """Stretches the interval between two updates when they cost too much processor time."""

    def __init__(self) -> None:
        self._cost_s = 0.0

    def next_interval_s(self, cost_s: float, idle_percent: float | None) -> float:
        """The time to wait after an update that took `cost_s` of processor time, painting included.

        `idle_percent` is the unused capacity of all cores together, in percent of one core; None if unknown.
        """
        self._cost_s += _WEIGHT * (cost_s - self._cost_s)
        busy = idle_percent is not None and idle_percent < IDLE_PERCENT
        return min(SLOWEST_S, max(FASTEST_S, self._cost_s / (SHARE_OF_BUSY if busy else SHARE)))
