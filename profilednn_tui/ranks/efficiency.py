"""How well ranks and threads use the cores, as factors that multiply out to the scaling efficiency.

After the model factors of POP (https://pop-coe.eu/node/69): the efficiency against one rank is load balance times
communication efficiency times thread efficiency, each from measured time. Every rank has the same local batch, so that
with perfect scaling a step takes as long on R ranks as on one, and half as long on twice the threads.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from profilednn_tui.ranks.account import FIRST_STEPS, ranks_of
from profilednn_tui.session.view import SessionView

CONFIDENCE = 0.95


@dataclass(frozen=True, slots=True)
class RunTimes:
    """Means per step of one run, in nanoseconds."""

    ranks: int
    threads: int
    """Of each rank."""
    step_ns: float
    own_ns: tuple[float, ...]
    """Own work of each rank."""

    @property
    def load_balance(self) -> float:
        """Mean over largest own work."""
        return sum(self.own_ns) / len(self.own_ns) / max(self.own_ns)

    @property
    def communication(self) -> float:
        """Largest own work over the step: the rest is transfer that nothing overlaps."""
        return max(self.own_ns) / self.step_ns

    def thread_efficiency(self, reference: RunTimes) -> float:
        """Core time of the reference's own work over that of the mean own work here."""
        mean_ns = sum(self.own_ns) / len(self.own_ns)
        return reference.step_ns * reference.threads / (mean_ns * self.threads)

    def efficiency(self, reference: RunTimes) -> float:
        """Throughput per core against the reference."""
        return reference.step_ns * reference.threads / (self.step_ns * self.threads)


@dataclass(frozen=True, slots=True)
class Estimate:
    """A mean on a log scale with its interval; the bounds are None for a single value."""

    value: float
    low: float | None = None
    high: float | None = None

    def times(self, factor: float) -> Estimate:
        """Scaled by a positive factor."""
        low, high = (None if one is None else one * factor for one in (self.low, self.high))
        return Estimate(self.value * factor, low, high)

    def dividing(self, amount: float) -> Estimate:
        """An amount over this, such as samples over seconds."""
        low, high = (None if one is None else amount / one for one in (self.high, self.low))
        return Estimate(amount / self.value, low, high)

    def overlaps(self, other: Estimate) -> bool:
        """Whether the intervals have a common value; single values count as intervals."""
        return (self.low or self.value) <= (other.high or other.value) and (
            (other.low or other.value) <= (self.high or self.value)
        )


@dataclass(frozen=True, slots=True)
class Factors:
    """Of several runs: geometric means, so that they multiply out."""

    efficiency: Estimate
    load_balance: float
    communication: float
    threads: float


def run_times(view: SessionView) -> RunTimes | None:
    """The times of a session; None if it has too few plain steps."""
    ranks = ranks_of(view.ranks)
    threads = view.target.intra_op_threads or 1
    if ranks.rows:
        step_ns = sum(row.step_ns for row in ranks.rows) / len(ranks.rows)
        return RunTimes(len(ranks.rows), threads, step_ns, tuple(row.own_ns for row in ranks.rows))
    steps = view.steps
    plain = [
        duration_ns
        for number, duration_ns, flags in zip(steps.numbers, steps.durations_ns, steps.flags, strict=True)
        if number > FIRST_STEPS and not flags
    ]
    if not plain:
        return None
    mean_ns = sum(plain) / len(plain)
    return RunTimes(1, threads, mean_ns, (mean_ns,))


def factors_of(runs: Sequence[RunTimes], references: Sequence[RunTimes]) -> Factors:
    """The factors of runs against the runs of the reference in the same turns, which must be as many."""
    pairs = list(zip(runs, references, strict=True))
    return Factors(
        efficiency=estimate([run.efficiency(reference) for run, reference in pairs]),
        load_balance=_geometric(run.load_balance for run in runs),
        communication=_geometric(run.communication for run in runs),
        threads=_geometric(run.thread_efficiency(reference) for run, reference in pairs),
    )


def estimate(values: Sequence[float]) -> Estimate:
    """The geometric mean with Student's interval of the logarithms."""
    from scipy import stats

    logs = np.log(values)
    mean = float(logs.mean())
    if len(logs) < 2:
        return Estimate(math.exp(mean))
    error = float(logs.std(ddof=1)) / math.sqrt(len(logs))
    half = float(stats.t.ppf((1 + CONFIDENCE) / 2, len(logs) - 1)) * error
    return Estimate(math.exp(mean), math.exp(mean - half), math.exp(mean + half))


def _geometric(values: Iterable[float]) -> float:
    return math.exp(float(np.log(list(values)).mean()))
