"""The clock as a value that is passed in, so that tests can control it."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Clock:
    """The time source of a component."""

    unix_ns: Callable[[], int] = time.time_ns
    """Time of day, comparable to the times of events."""
    monotonic_s: Callable[[], float] = time.monotonic
    """For intervals: never jumps."""


SYSTEM_CLOCK = Clock()
