from __future__ import annotations

from dataclasses import dataclass, field

import pytest

from profilednn_tui.clock import Clock


@dataclass
class ManualClock:
    """A clock set by the test."""

    now_s: float = 1000.0
    clock: Clock = field(init=False)

    def __post_init__(self) -> None:
        self.clock = Clock(unix_ns=lambda: int(self.now_s * 1e9), monotonic_s=lambda: self.now_s)


@pytest.fixture
def manual_clock() -> ManualClock:
    return ManualClock()
