"""How often equal variants are called faster or slower with few runs, and how often a planted 10 % is found.

`python -m benchmarks.few_runs [--minutes M]` makes fresh experiments and continues where the last call ended. Pairs of
sides are then resampled from the runs of the equal variants: neighbours in time stand for runs in turn, runs of
different times for sessions. The floor of the spread is the one that is assumed before a machine is known, so that none
of these runs has taught it.
"""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence

import numpy as np

from benchmarks.conditions import RESULTS, Contention, machine, versions, write
from benchmarks.trials import Row, Trials
from benchmarks.verdicts import BURNER, GRAIN, STEP_MS, calibrate
from profilednn_tui.compare.samples import FairSteps
from profilednn_tui.compare.verdict import Outcome, judge
from profilednn_tui.session.spread import BETWEEN_SESSIONS, WITHIN_EXPERIMENT, Spread

STEPS = 40
TWO, THREE, PLANTED, EQUAL = (
    "equal, 2 runs in turn",
    "equal, 3 runs in turn",
    "10 % slower, 4 groups in lockstep",
    "equal, 4 groups in lockstep",
)
CASES = {TWO: 60, THREE: 60, PLANTED: 40, EQUAL: 20}
RUNS = {TWO: 2, THREE: 3, PLANTED: 4, EQUAL: 4}
SIZES_MS = (6.0, 12.0, 19.0)
RESAMPLED = 2_000
SIDES = (1, 2, 3, 4, 8)
DISTURBED = ("not comparable", "not judged")
"""Verdicts of experiments beside other load, which say nothing about an idle machine: they are made again."""


def trial(case: str, units_of_step: int, number: int, call: str) -> Row:
    """One experiment; the step sizes take turns."""
    size_ms = SIZES_MS[number % len(SIZES_MS)]
    units = max(GRAIN, GRAIN * round(units_of_step * size_ms / STEP_MS / GRAIN))
    slower = 1.1 if case == PLANTED else 1.0
    order = "--in-turn" if case in (TWO, THREE) else "--lockstep"
    words = [sys.executable, "-m", "profilednn_tui", "experiment", order, "--in-place", "--no-certificate"]
    words += ["--to", "json", "--repeat", str(RUNS[case]), "--steps", str(STEPS)]
    words += ["--variant", "A=", "--variant", f"B=SLOWER={slower}", "--env", f"UNITS={units}"]
    words += ["--env", "OMP_NUM_THREADS=1", "--env", f"CORE={max(os.sched_getaffinity(0))}", str(BURNER)]
    with tempfile.TemporaryDirectory() as home:
        environment = {**os.environ, "PROFILEDNN_HOME": home}
        done = subprocess.run(words, env=environment, capture_output=True, text=True, check=True)
    found = json.loads(done.stdout)
    return {
        "call": call,
        "size_ms": size_ms,
        "verdict": found["verdict"],
        "ratio": found["step_time"]["ratio"],
        "low": 1 + found["step_time"]["low_percent"] / 100,
        "high": 1 + found["step_time"]["high_percent"] / 100,
        "baseline_ms": found["baseline"]["run_medians_ms"],
        "candidate_ms": found["candidate"]["run_medians_ms"],
    }


Pair = tuple[float, float]


def in_turn(pairs: Sequence[Pair], count: int, chance: random.Random) -> tuple[list[float], list[float]]:
    """The medians of two sides whose runs followed each other."""
    begin = chance.randrange(len(pairs) - count + 1)
    chosen = pairs[begin : begin + count]
    return [first for first, _ in chosen], [second for _, second in chosen]


def between_sessions(pairs: Sequence[Pair], count: int, chance: random.Random) -> tuple[list[float], list[float]]:
    """The medians of two sides whose runs were made at different times."""
    runs = [median for pair in pairs for median in pair]
    begins = sorted(chance.sample(range(len(runs) // count), 2))
    first, second = (runs[begin * count : (begin + 1) * count] for begin in begins)
    return (first, second) if chance.random() < 0.5 else (second, first)


def share_of_verdicts(
    series: Sequence[Sequence[Pair]],
    count: int,
    draw: Callable[[Sequence[Pair], int, random.Random], tuple[list[float], list[float]]],
    floor: Spread,
    paired: bool,
) -> float:
    """Share of `RESAMPLED` equal pairs of sides that are called faster or slower; those not in turn are of different
    times."""
    chance = random.Random(0)
    usable = [pairs for pairs in series if len(pairs) >= 2 * count]
    called = 0
    for _ in range(RESAMPLED):
        medians = draw(chance.choice(usable), count, chance)
        sides = [[_run(one, number if paired else None) for number, one in enumerate(side)] for side in medians]
        verdict = judge(sides[0], sides[1], (), floor=floor, apart=not paired)
        called += verdict.outcome in (Outcome.FASTER, Outcome.SLOWER)
    return called / RESAMPLED


def _pairs(row: Row) -> Iterator[Pair]:
    """Runs that followed one another; disturbed ones may be missing."""
    return zip(row["baseline_ms"], row["candidate_ms"], strict=False)


def _run(median_ms: float, turn: int | None) -> FairSteps:
    times = np.full(STEPS, 1e6 * median_ms)
    return FairSteps(np.arange(1, STEPS + 1), times, times[:, None], None if turn is None else ("series", turn))


def _series(rows: Sequence[Row], key: Callable[[Row], object]) -> list[list[Pair]]:
    """The pairs of all rows with the same key, in the order of time."""
    series: dict[object, list[Pair]] = {}
    for row in rows:
        series.setdefault(key(row), []).extend(_pairs(row))
    return list(series.values())


def resampled(trials: Trials) -> Iterator[str]:
    """The table of false alarms."""
    rows = [row for row in trials.rows() if row["case"] in (TWO, THREE)]  # in the order of time
    series = _series(rows, lambda row: row["size_ms"])
    # Each call calibrates the size of a step anew: runs of different calls are not equal.
    same_work = _series([row for row in rows if "call" in row], lambda row: (row["call"], row["size_ms"]))
    yield "| runs per side | in turn | between sessions |\n|---:|---:|---:|"
    for count in SIDES:
        turn = share_of_verdicts(series, count, in_turn, WITHIN_EXPERIMENT, paired=True)
        sessions = share_of_verdicts(same_work, count, between_sessions, BETWEEN_SESSIONS, paired=False)
        yield f"| {count} | {100 * turn:.1f} % | {100 * sessions:.1f} % |"


def fresh(trials: Trials) -> Iterator[str]:
    """The table of fresh experiments."""
    outcomes = ("faster", "slower", "no detectable difference", "not comparable", "not judged")
    yield f"| planted | experiments | {' | '.join(outcomes)} |\n|---|{'---:|' * (len(outcomes) + 1)}"
    for case, wanted in CASES.items():
        rows = trials.rows(case)
        counts = [sum(row["verdict"] == outcome for row in rows) for outcome in outcomes]
        yield f"| {case} | {len(rows)} of {wanted} | {' | '.join(map(str, counts))} |"


def main() -> None:
    """Continue with the experiments and write the tables."""
    trials = Trials(RESULTS / "few_runs.jsonl")
    minutes = trials.minutes_asked_for(__doc__, 120.0)
    contention = Contention()
    units, call = calibrate(), time.strftime("%Y-%m-%dT%H:%M")
    trials.keep(lambda row: row["verdict"] not in DISTURBED)
    trials.go_on(minutes, CASES, lambda case: trial(case, units, len(trials.rows(case)), call))
    lines = [
        "## Verdicts from few runs",
        "",
        *machine(),
        versions("torch", "scipy", "numpy"),
        f"- Runs of {STEPS} steps of 6, 12 and 19 ms on one thread and one core, no earlier runs known.",
        "- Experiments that other load has disturbed say nothing about an idle machine: another call makes them again.",
        "",
        *fresh(trials),
        "",
        f"{RESAMPLED:,} pairs of sides drawn from the medians of the equal runs in turn, called faster or slower:",
        "",
        *resampled(trials),
    ]
    write("few_runs", [*lines, "", contention.line()])


if __name__ == "__main__":
    main()
