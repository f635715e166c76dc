"""When the next profiler window opens: as often as the overhead budget allows."""

from __future__ import annotations

GRANTED_STEPS: tuple[int, ...] = (2, 4)
"""After these steps a window opens on credit, so that operators show soon; the budget pays it back."""
GRANTED_STEPS_LATE: tuple[int, ...] = (0, 2)
"""The same in a training that has warmed up before we came."""
CREDIT_PERCENT = 10.0
"""What windows on credit may take of the time so far."""
MOST_ON_CREDIT = 4
"""Windows, with those that are taken because the pace has changed."""
MIN_INTERVAL_NS = 500_000_000
MAX_INTERVAL_NS = 60_000_000_000
INTERVAL_SHARE = 1 / 200
"""In a long run windows keep this share of its age apart: the recording of a day stays small."""
FIRST_COST_NS = 20_000_000
FIRST_COST_STEPS = 3
"""The first window is expected to cost so many steps more: what small operators make of it."""
LONGEST_STEP_NS = 300_000_000
"""In longer steps it is not the number of operators that takes the time."""
FAILURES = 3
"""So many windows in a row may fail; then there are no more."""


class WindowBudget:
    """The account of the windows' cost against the budget. Times in nanoseconds, from the first step on."""

    def __init__(
        self, budget_percent: float, granted_steps: tuple[int, ...] = GRANTED_STEPS, before_ns: int = 0
    ) -> None:
        self._granted_steps = granted_steps
        self._before_ns = before_ns
        """How long the run had gone on when we came."""
        self.budget_percent = budget_percent
        self.paused = False
        self.spent_ns = 0
        self.windows = 0
        self.failures = 0
        """Windows that failed in a row."""
        self._tries = 0
        self._expected_ns = 0
        self._last_end_ns = 0
        self._wanted = False

    @property
    def given_up(self) -> bool:
        """Whether too many windows have failed: only one that is asked for is tried."""
        return self.failures >= FAILURES

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
    ) -> bool:
        """Whether to open a window now, after `steps` steps, which lately took `step_ns`.

        `other_cost_ns` is what hooks and writer have cost, `run_ns` the time since we came; `stale` says that the
        pace has changed since the newest window.
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
        if begins or (stale and self._tries < MOST_ON_CREDIT):
            percent = max(percent, CREDIT_PERCENT)
        elif not stale and elapsed_ns - self._last_end_ns < _interval_ns(elapsed_ns):
            return False
        expected_ns = self._expected_ns
        if not self._tries:
            # A training of a moment has its operators, too: all of the run counts, what it loaded before included.
            elapsed_ns = max(elapsed_ns, run_ns) + self._before_ns
            expected_ns = FIRST_COST_NS + FIRST_COST_STEPS * min(step_ns, LONGEST_STEP_NS)
        allowed_ns = elapsed_ns * percent / 100
        # Hooks and writer cost what they cost; windows keep a tenth of the budget even so.
        allowed_ns = max(allowed_ns - other_cost_ns, allowed_ns / 10)
        return self.spent_ns + expected_ns <= allowed_ns

    def closed(self, cost_ns: int, elapsed_ns: int) -> None:
        """Book a window."""
        self.windows += 1
        self.failures = 0
        self._book(cost_ns, elapsed_ns)

    def failed(self, cost_ns: int, elapsed_ns: int) -> None:
        """Book a window that has nothing to show for its cost, by a fault of ours or of torch's."""
        self.failures += 1
        self._book(cost_ns, elapsed_ns)

    def lost(self, cost_ns: int, elapsed_ns: int) -> None:
        """Book a window that was closed early, because the program forks or profiles itself."""
        self._book(cost_ns, elapsed_ns)

    def _book(self, cost_ns: int, elapsed_ns: int) -> None:
        self._tries += 1
        self.spent_ns += cost_ns
        # The first window also loads the profiler: no measure of the next.
        self._expected_ns = cost_ns if self._tries <= 2 else (self._expected_ns + cost_ns) // 2
        self._last_end_ns = elapsed_ns


def _interval_ns(elapsed_ns: int) -> float:
    return min(max(MIN_INTERVAL_NS, elapsed_ns * INTERVAL_SHARE), MAX_INTERVAL_NS)
