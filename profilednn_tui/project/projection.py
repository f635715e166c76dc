"""The time a log's primitives would take on this machine, from running each of them again.

The projected time is the sum over the primitives of calls times the time of one call, as in the paper; its ratio to the
observed time is the efficiency. A round runs all of them once, in turn as in a step; the spread over rounds gives the
interval. The paper ran each one back to back (`warm`), which flatters small ones; with other data in the caches
(`cold`) is the opposite bound.

torch runs the primitives it has calls for, benchdnn the rest if it is installed. If this machine has another
implementation and layout for the same task, those are the ones that count.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from math import floor, sqrt
from statistics import mean, median

from profilednn_tui.errors import ProfilerError
from profilednn_tui.onednn.benchdnn import PROGRAM
from profilednn_tui.onednn.breakdown import task
from profilednn_tui.onednn.line import execution
from profilednn_tui.onednn.records import Primitive, PrimitiveLog
from profilednn_tui.project.benchdnn import time_primitives
from profilednn_tui.project.calls import calls_of
from profilednn_tui.project.in_torch import run_script
from profilednn_tui.project.neighbours import watch_neighbours

ROUNDS, LEAST_ROUNDS, REPEATS = 40, 8, 5
SECONDS = 40.0
"""No further round begins after this time."""


@dataclass(frozen=True, slots=True)
class Estimate:
    """A time with the 95 % confidence interval of its median."""

    median_ms: float
    low_ms: float
    high_ms: float


@dataclass(frozen=True, slots=True)
class ProjectedPrimitive:
    """One distinct primitive; times are per call."""

    primitive: Primitive
    here: str
    """The implementation that ran here, which may differ from the observed one on another machine."""
    calls: int
    observed_ms: float
    in_turn: Estimate
    warm_ms: float | None
    cold_ms: float | None


@dataclass(frozen=True, slots=True)
class Projection:
    """All primitives of a log; times are totals over all calls."""

    rows: tuple[ProjectedPrimitive, ...]
    """Longest observed time first."""
    missing: tuple[Primitive, ...]
    """The primitives that could not be run again."""
    observed_ms: float
    """Of all primitives."""
    covered_ms: float
    """Of those in `rows`."""
    projected: Estimate
    warm_ms: float
    cold_ms: float
    rounds: int
    contention: str | None = None
    """One sentence if others disturbed the runs so much that their times are not reliable."""

    @property
    def efficiency(self) -> float | None:
        """Projected over observed time of the same primitives: 1 if the log's primitives ran as fast as here."""
        return self.projected.median_ms / self.covered_ms if self.covered_ms else None

    @property
    def error(self) -> float | None:
        """The error of the projection, as a fraction of the observed time."""
        efficiency = self.efficiency
        return None if efficiency is None else efficiency - 1


Samples = Mapping[tuple[Primitive, str], Mapping[int, Sequence[float]]]
"""By primitive and mode: milliseconds by round (in turn) or by call."""


class _Times:
    """Samples of a primitive or, if it has none, of those with the same task."""

    def __init__(self, samples: Samples) -> None:
        self._samples = samples
        self._by_task: dict[tuple[str, ...], list[Primitive]] = {}
        for primitive, mode in samples:
            if mode == "turn":
                self._by_task.setdefault(task(primitive), []).append(primitive)

    def runs_of(self, primitive: Primitive) -> list[Primitive]:
        """The primitives that ran in its place."""
        return [primitive] if (primitive, "turn") in self._samples else self._by_task.get(task(primitive), [])

    def of(self, runs: Iterable[Primitive], mode: str) -> dict[int, list[float]]:
        """Their times by round, in milliseconds."""
        times: dict[int, list[float]] = {}
        for run in runs:
            for number, some_ms in self._samples.get((run, mode), {}).items():
                times.setdefault(number, []).extend(some_ms)
        return times


def project(log: PrimitiveLog, python: str, threads: int | None = None, seconds: float = SECONDS) -> Projection:
    """Run the primitives of a log again, with an interpreter that has torch and with benchdnn if it is installed."""
    wanted = [use.primitive for use in log.uses if use.execution.count]
    if not wanted:
        held = "primitives were created, but none was executed" if log.uses else "there is no line of oneDNN"
        raise ProfilerError(f"Nothing to run again: {held}. Run the program with ONEDNN_VERBOSE=1.")
    calls = calls_of(wanted)
    benchdnn = shutil.which(PROGRAM)
    if not calls and benchdnn is None:
        raise ProfilerError(
            "Nothing to run again: the primitives include no convolution, matmul, inner product or LSTM, "
            f"and oneDNN's {PROGRAM}, which runs all kinds, is not on PATH. Install {PROGRAM}."
        )
    order = {
        "calls": calls,
        "rounds": ROUNDS,
        "least_rounds": LEAST_ROUNDS,
        "seconds": seconds,
        "repeats": REPEATS,
        "threads": threads,
    }
    contention = watch_neighbours()
    samples = read_samples(run_script(python, order, threads).splitlines()) if calls else {}
    if benchdnn is not None:
        missing = [primitive for primitive in wanted if not _Times(samples).runs_of(primitive)]
        samples = {**samples, **time_primitives(benchdnn, missing, threads, seconds)}
    found = projection(log, samples)
    if not found.rows:
        raise ProfilerError(
            f"None of the {len(wanted):,} distinct primitives ran again: {python} made oneDNN run others for the same "
            f"calls. Install oneDNN's {PROGRAM} on PATH, which runs exactly these."
        )
    return replace(found, contention=contention())


def read_samples(lines: Iterable[str]) -> Samples:
    """Parse the times in the script's output."""
    samples: dict[tuple[Primitive, str], dict[int, list[float]]] = {}
    known: dict[str, Primitive | None] = {}
    mode, number = "", 0
    for line in lines:
        if line.startswith("profilednn,"):
            _, mode, text, *_ = line.split(",")
            number = int(text)
            continue
        key, _, time_text = line.rpartition(",")
        if key not in known:
            told = execution(line)
            known[key] = told.primitive if told is not None else None
        primitive = known[key]
        if primitive is not None:
            samples.setdefault((primitive, mode), {}).setdefault(number, []).append(float(time_text))
    return samples


def projection(log: PrimitiveLog, samples: Samples) -> Projection:
    """Weight the times by the calls in the log, without the first round, which warms up."""
    rows, missing, covered_ms = [], [], []
    rounds = sorted({number for (_, mode), by in samples.items() if mode == "turn" for number in by if number > 0})
    totals_ms = dict.fromkeys(rounds, 0.0)
    warm_ms = cold_ms = 0.0
    times = _Times(samples)
    for use in log.uses:
        primitive, count = use.primitive, use.execution.count
        if not count:
            continue
        runs = times.runs_of(primitive)
        turns = {number: mean(some_ms) for number, some_ms in times.of(runs, "turn").items() if number > 0}
        if not turns:
            missing.append(primitive)
            continue
        in_turn = estimate(list(turns.values()))
        covered_ms.append(use.execution.total_ms)
        warm, cold = (_median_of(times.of(runs, mode)) for mode in ("warm", "cold"))
        for number in rounds:
            totals_ms[number] += count * turns.get(number, in_turn.median_ms)
        warm_ms += count * (in_turn.median_ms if warm is None else warm)
        cold_ms += count * (in_turn.median_ms if cold is None else cold)
        here = ", ".join(dict.fromkeys(run.implementation for run in runs))
        rows.append(ProjectedPrimitive(primitive, here, count, use.execution.total_ms / count, in_turn, warm, cold))
    whole = estimate(list(totals_ms.values())) if rows else Estimate(0.0, 0.0, 0.0)
    return Projection(tuple(rows), tuple(missing), log.time_ms, sum(covered_ms), whole, warm_ms, cold_ms, len(rounds))


def estimate(samples: Sequence[float]) -> Estimate:
    """The median and its distribution-free interval: order statistics, by the normal approximation of the binomial."""
    ordered = sorted(samples)
    count = len(ordered)
    low = max(0, floor((count - 1.96 * sqrt(count)) / 2) - 1)  # ranks count from 1
    return Estimate(median(ordered), ordered[low], ordered[count - 1 - low])


def _median_of(times: Mapping[int, Sequence[float]]) -> float | None:
    values = [value for one in times.values() for value in one]
    return median(values) if values else None
