"""Detects whether training still runs at the pace that the last window saw."""

from __future__ import annotations

from collections import deque

SAMPLE = 11
"""Number of plain steps that determine a pace."""
MIN_SAMPLE = 5
NOTABLE_RATIO = 1.2
"""Ratio of two medians; smaller changes are not worth a window."""

Range = tuple[int, int, int]
"""Lower quartile, median and upper quartile of steps, in nanoseconds."""


class Pace:
    """Compares the latest plain steps with those around the last window."""

    def __init__(self) -> None:
        self._recent: deque[int] = deque(maxlen=SAMPLE)
        self._around: list[int] | None = None
        self._then: Range | None = None
        self._since = 0

    @property
    def median_ns(self) -> int:
        """Median of the latest plain steps; 0 if there are none."""
        return _range(self._recent)[1] if self._recent else 0

    def add(self, duration_ns: int) -> None:
        """Add a step without a window."""
        self._recent.append(duration_ns)
        self._since += 1
        if self._around is not None and len(self._around) < MIN_SAMPLE:
            # Too few steps before the window: the first ones after it determine the pace.
            self._around.append(duration_ns)
            self._since = 0
        elif self._around is not None and self._then is None:
            self._then = _range(self._around)

    def window(self) -> None:
        """A window has closed."""
        self._around = list(self._recent)
        self._then = None
        self._since = 0

    def changed(self) -> bool:
        """Whether steps have become slower or faster since the last window, by more than their spread."""
        if self._then is None or self._since < SAMPLE:
            return False
        low, middle, high = self._then
        now_low, now_middle, now_high = _range(self._recent)
        if now_low > high:
            return now_middle > middle * NOTABLE_RATIO
        return now_high < low and now_middle * NOTABLE_RATIO < middle


def _range(durations_ns: deque[int] | list[int]) -> Range:
    ordered = sorted(durations_ns)
    last = len(ordered) - 1
    return ordered[last // 4], ordered[(last + 1) // 2], ordered[last - last // 4]
