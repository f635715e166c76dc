"""Time as a value that is passed in, so that a test can hold it still."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Clock:
    """Where a component reads the time."""

    unix_ns: Callable[[], int] = time.time_ns
    """Time of day, to compare with the times of events."""
    monotonic_s: Callable[[], float] = time.monotonic
    """For intervals: never jumps."""


SYSTEM_CLOCK = Clock()
