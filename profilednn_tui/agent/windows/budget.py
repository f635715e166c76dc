"""When the next profiler window opens: as often as the overhead budget allows."""

from __future__ import annotations

GRANTED_STEPS: tuple[int, ...] = (2, 4)
"""After these steps, windows open on credit so that operators show up early; the budget pays for them later."""
GRANTED_STEPS_LATE: tuple[int, ...] = (0, 2)
"""The same if training had warmed up before the agent attached."""
CREDIT_PERCENT = 10.0
"""Share of the elapsed time that windows on credit may take."""
MAX_ON_CREDIT = 4
"""Number of windows on credit, including those opened because the pace has changed."""
MIN_INTERVAL_NS = 500_000_000
MAX_INTERVAL_NS = 60_000_000_000
MIN_INTERVAL_STEPS = 6
"""From the end of one window to that of the next: of long steps, most are neither profiled nor right after that."""
INTERVAL_SHARE = 1 / 200
"""In a long run, windows are this share of the elapsed time apart, so that a day's recording stays small."""
FIRST_COST_NS = 20_000_000
FIRST_COST_STEPS = 3
"""The first window is expected to cost as much as this many additional steps, as it does with small operators."""
LONGEST_STEP_NS = 300_000_000
"""Upper limit for that estimate: the number of operators does not dominate longer steps."""
FAILURES = 3
"""Number of consecutive failures after which windows are given up."""


class WindowBudget:
    """Tracks the cost of windows against the budget. Times are in nanoseconds since the first step."""

    def __init__(
        self, budget_percent: float, granted_steps: tuple[int, ...] = GRANTED_STEPS, before_ns: int = 0
    ) -> None:
        self._granted_steps = granted_steps
        self._before_ns = before_ns
        """How long the process had been running when the agent attached."""
        self.budget_percent = budget_percent
        self.paused = False
        self.spent_ns = 0
        self.windows = 0
        self.failures = 0
        """Number of consecutive failures."""
        self._tries = 0
        self._expected_ns = 0
        self._last_end_ns = 0
        self._wanted = False

    @property
    def given_up(self) -> bool:
        """Whether too many windows have failed: only explicitly requested ones are still tried."""
        return self.failures >= FAILURES

    @property
    def wanted(self) -> bool:
        """Whether a window has been asked for."""
        return self._wanted

    def want_now(self) -> None:
        """Open a window at the next boundary, whatever the budget says."""
        self._wanted = True

    def due(
        self,
        steps: int,
        elapsed_ns: int,
        other_cost_ns: int,
        run_ns: int = 0,
        step_ns: int = 0,
        stale: bool = False,
        since: int = MIN_INTERVAL_STEPS,
    ) -> bool:
        """Whether to open a window now, after `steps` steps, which recently took `step_ns` each.

        `other_cost_ns` is the cost of hooks and writer, `run_ns` the time since the agent started; `stale` means that
        the pace has changed since the last window, which ended `since` steps ago.
        """
        if self._wanted:
            self._wanted = False
            return True
        if self.paused or self.given_up or self.budget_percent <= 0 or steps < self._granted_steps[0]:
            return False
        percent = self.budget_percent
        begins = self._tries < len(self._granted_steps)
        if begins and steps < self._granted_steps[self._tries]:
            return False
        if begins or (stale and self._tries < MAX_ON_CREDIT):
            percent = max(percent, CREDIT_PERCENT)
        elif not stale and (
            elapsed_ns - self._last_end_ns < _interval_ns(elapsed_ns) or since + 1 < MIN_INTERVAL_STEPS
        ):
            return False
        expected_ns = self._expected_ns
        if not self._tries:
            # Even a very short run should show operators: all of it counts, including imports before the first step.
            elapsed_ns = max(elapsed_ns, run_ns) + self._before_ns
            expected_ns = FIRST_COST_NS + FIRST_COST_STEPS * min(step_ns, LONGEST_STEP_NS)
        allowed_ns = elapsed_ns * percent / 100
        # The cost of hooks and writer is unavoidable; windows still get at least a tenth of the budget.
        allowed_ns = max(allowed_ns - other_cost_ns, allowed_ns / 10)
        return self.spent_ns + expected_ns <= allowed_ns

    @property
    def interval_ns(self) -> float:
        """The least time between two windows, as of the last one."""
        return _interval_ns(self._last_end_ns)

    def closed(self, cost_ns: int, elapsed_ns: int) -> None:
        """Book a successful window."""
        self.windows += 1
        self.failures = 0
        self._book(cost_ns, elapsed_ns)

    def failed(self, cost_ns: int, elapsed_ns: int) -> None:
        """Book a window without a result, because of an error in our code or in torch."""
        self.failures += 1
        self._book(cost_ns, elapsed_ns)

    def lost(self, cost_ns: int, elapsed_ns: int) -> None:
        """Book a window that was closed early, because the program forks or profiles itself."""
        self._book(cost_ns, elapsed_ns)

    def _book(self, cost_ns: int, elapsed_ns: int) -> None:
        self._tries += 1
        self.spent_ns += cost_ns
        # The first window also loads the profiler, so its cost does not predict the next.
        self._expected_ns = cost_ns if self._tries <= 2 else (self._expected_ns + cost_ns) // 2
        self._last_end_ns = elapsed_ns


def _interval_ns(elapsed_ns: int) -> float:
    return min(max(MIN_INTERVAL_NS, elapsed_ns * INTERVAL_SHARE), MAX_INTERVAL_NS)
