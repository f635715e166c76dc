"""When the next profiler window opens: as often as the overhead budget allows."""

from __future__ import annotations

GRANTED_STEPS: tuple[int, ...] = (2, 4)
"""After these steps a window opens on credit, so that operators show at once; the budget pays it back."""
GRANTED_STEPS_LATE: tuple[int, ...] = (0, 2)
"""The same in a training that has warmed up before we came."""
MIN_INTERVAL_NS = 500_000_000
MAX_INTERVAL_NS = 60_000_000_000
INTERVAL_SHARE = 1 / 200
"""In a long run windows keep this share of its age apart: the recording of a day stays small."""


class Schedule:
    """The account of the windows' cost against the budget. Times in nanoseconds, from the first step on."""

    def __init__(self, budget_percent: float, granted_steps: tuple[int, ...] = GRANTED_STEPS) -> None:
        self._granted_steps = granted_steps
        self.budget_percent = budget_percent
        self.paused = False
        self.spent_ns = 0
        self.windows = 0
        self._expected_ns = 0
        self._last_end_ns = 0
        self._wanted = False

    def want_now(self) -> None:
        """Open a window at the next boundary, whatever the budget says."""
        self._wanted = True

    def due(self, steps: int, elapsed_ns: int, other_cost_ns: int) -> bool:
        """Whether to open a window now, after `steps` steps; `other_cost_ns` is what hooks and writer have cost."""
        if self._wanted:
            self._wanted = False
            return True
        if self.paused or self.budget_percent <= 0 or steps < self._granted_steps[0]:
            return False
        if self.windows < len(self._granted_steps):
            return steps >= self._granted_steps[self.windows]
        interval_ns = min(max(MIN_INTERVAL_NS, elapsed_ns * INTERVAL_SHARE), MAX_INTERVAL_NS)
        if elapsed_ns - self._last_end_ns < interval_ns:
            return False
        allowed_ns = elapsed_ns * self.budget_percent / 100
        # Hooks and writer cost what they cost; windows keep a tenth of the budget even so.
        allowed_ns = max(allowed_ns - other_cost_ns, allowed_ns / 10)
        return self.spent_ns + self._expected_ns <= allowed_ns

    def closed(self, cost_ns: int, elapsed_ns: int) -> None:
        """Book a window."""
        self.windows += 1
        self.spent_ns += cost_ns
        # The first window also loads the profiler: no measure of the next.
        self._expected_ns = cost_ns if self.windows <= 2 else (self._expected_ns + cost_ns) // 2
        self._last_end_ns = elapsed_ns
