"""Whether verdicts are true: many experiments on steps of known cost, equal, slower by a planted share, and disturbed.

`python -m benchmarks.verdicts [--minutes M]` writes benchmarks/results/verdicts.md. Every finished experiment is
appended to verdicts.jsonl next to it, and the next call continues from there, so that the machine need not be reserved
all at once. `--anew` starts over.
"""

from __future__ import annotations

import json
import math
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import asdict, dataclass
from pathlib import Path

from scipy import stats

from benchmarks.conditions import RESULTS, Contention, machine, versions, write
from benchmarks.trials import Row, Trials
from profilednn_tui.compare.intervals import CONFIDENCE, POWER

BURNER = Path(__file__).with_name("burner.py")
TRIALS = Trials(RESULTS / "verdicts.jsonl")

STEP_MS = 20.0
REPEAT, STEPS = 8, 40
GRAIN = 20
"""The units of a step are a multiple of this, so that 5 % of them is a whole number."""


@dataclass(frozen=True)
class Case:
    """One kind of experiment."""

    name: str
    slower: float
    count: int
    neighbour: bool = False


CASES = (
    Case("equal", 1.0, 40),
    Case("10 % slower", 1.1, 40),
    Case("5 % slower", 1.05, 40),
    Case("equal, with a neighbour", 1.0, 4, neighbour=True),
)


@dataclass(frozen=True)
class Result:
    """The result of one experiment."""

    case: str
    verdict: str
    ratio: float
    low: float
    high: float
    smallest: float
    """The relative difference that it claims it would have detected."""
    disturbed: bool
    """Whether it reported a disturbance."""
    medians_ms: tuple[list[float], list[float]]
    """Medians of the runs of A and of B, in their order."""


def experiment(case: Case, units: int) -> Result:
    """Run one experiment."""
    words = [sys.executable, "-m", "profilednn_tui", "experiment", "--lockstep", "--in-place"]
    words += ["--no-certificate", "--to", "json"]
    words += ["--repeat", str(REPEAT), "--steps", str(STEPS), "--variant", "A=", "--variant", f"B=SLOWER={case.slower}"]
    words += ["--env", f"UNITS={units}", "--env", "OMP_NUM_THREADS=1"]
    words += ["--env", f"CORE={max(os.sched_getaffinity(0))}", str(BURNER)]
    with tempfile.TemporaryDirectory() as home:
        environment = {**os.environ, "PROFILEDNN_HOME": home}
        done = subprocess.run(words, env=environment, capture_output=True, text=True, check=True)
    found = json.loads(done.stdout)
    step = found["step_time"]
    disturbed = any("disturbed" in text for text in [*found["reasons"], *found["notes"]])
    return Result(
        case.name,
        found["verdict"],
        step["ratio"],
        1 + step["low_percent"] / 100,
        1 + step["high_percent"] / 100,
        step["smallest_difference_percent"] / 100,
        disturbed,
        (found["baseline"]["run_medians_ms"], found["candidate"]["run_medians_ms"]),
    )


def calibrate() -> int:
    """The number of units that take `STEP_MS` on one core here and now."""
    words = [sys.executable, "-c", _CALIBRATION]
    done = subprocess.run(words, env={**os.environ, "OMP_NUM_THREADS": "1"}, capture_output=True, text=True, check=True)
    return max(GRAIN, GRAIN * round(STEP_MS / float(done.stdout) / GRAIN))


_CALIBRATION = """
import time, torch
matrix = torch.rand(160, 160)
product = torch.empty_like(matrix)
times = []
for _ in range(50):
    begin = time.perf_counter()
    for _ in range(100):
        torch.mm(matrix, matrix, out=product)
    times.append((time.perf_counter() - begin) * 10)
print(sorted(times)[25])
"""


@contextmanager
def neighbour() -> Iterator[None]:
    """A process that keeps one core busy."""
    busy = subprocess.Popen([sys.executable, "-c", "while True: pass"])
    try:
        yield
    finally:
        busy.kill()
        busy.wait()


def results() -> list[Result]:
    """All experiments so far."""
    return [Result(**row) for row in TRIALS.rows()]


def trial(name: str, units: int) -> Row:
    """One experiment of the case with that name."""
    case = next(case for case in CASES if case.name == name)
    with neighbour() if case.neighbour else nullcontext():
        return asdict(experiment(case, units))


def row(case: Case, found: list[Result]) -> str:
    """One line of the table."""
    counts = [sum(result.verdict == verdict for result in found) for verdict in VERDICTS]
    ratios = sorted(result.ratio for result in found)
    smallest = sorted(result.smallest for result in found)
    middle = ratios[len(ratios) // 2]
    covered = sum(result.low <= middle <= result.high for result in found)
    cells = [
        case.name,
        f"{len(found)} of {case.count}",
        *map(str, counts),
        f"{middle:.3f} ({ratios[0]:.3f} to {ratios[-1]:.3f})",
        f"{covered} of {len(found)}",
        f"{100 * smallest[len(smallest) // 2]:.1f} % ({100 * smallest[0]:.1f} to {100 * smallest[-1]:.1f})",
    ]
    return "| " + " | ".join(cells) + " |"


VERDICTS = ("faster", "slower", "no detectable difference", "not comparable")
COLUMNS = ("planted", "experiments", *VERDICTS, "median ratio", "intervals that contain it", "detectable")


def chance_to_see(difference: float, smallest: float) -> float:
    """The probability that an experiment detects a difference, if it detects one of `smallest` with `POWER`.

    For estimates that are normal on the logarithmic scale, as in `Interval.smallest_difference`.
    """
    z = stats.norm.ppf((1 + CONFIDENCE) / 2)
    error = math.log1p(smallest) / (z + stats.norm.ppf(POWER))
    return float(stats.norm.cdf(math.log1p(difference) / error - z))


def judgement(by_case: dict[str, list[Result]]) -> Iterator[str]:
    """The counts against the requirements."""
    equal, ten, five, busy = (by_case[case.name] for case in CASES)
    false = sum(result.verdict in ("faster", "slower") for result in equal)
    yield f"- Equal: {false} of {len(equal)} say faster or slower (required: at most 2 of 40)."
    yield f"- 10 % slower: {sum(r.verdict == 'slower' for r in ten)} of {len(ten)} found (required: at least 38 of 40)."
    claimed = sum(chance_to_see(0.05, result.smallest) for result in five)
    yield (
        f"- 5 % slower: {sum(r.verdict == 'slower' for r in five)} of {len(five)} found; by the smallest differences "
        f"that they claimed to detect, {claimed:.1f} were to be expected."
    )
    wrong = sum(result.verdict == "faster" for result in (*ten, *five))
    yield f"- Wrong sign: {wrong} (required: none)."
    said = sum(result.disturbed for result in busy)
    false = sum(result.verdict in ("faster", "slower") for result in busy)
    yield f"- With a neighbour on one core: {said} of {len(busy)} report it; {false} give a verdict on equal variants."


def main() -> None:
    """Continue with the experiments and write the table."""
    minutes = TRIALS.minutes_asked_for(__doc__, 120.0)
    contention = Contention()
    units = calibrate()
    TRIALS.go_on(minutes, {case.name: case.count for case in CASES}, lambda name: trial(name, units))
    if not results():
        raise SystemExit(f"No experiment can end within {minutes:g} minutes; allow more with --minutes.")
    by_case = {case.name: [result for result in results() if result.case == case.name] for case in CASES}
    steps = sorted(time_ms for found in by_case.values() for result in found for time_ms in result.medians_ms[0])
    lines = [
        "## Verdicts of experiments",
        "",
        *machine(),
        versions("torch", "scipy", "numpy"),
        f"- A step of {steps[len(steps) // 2]:.1f} ms (median) on one thread and one core; an experiment is {REPEAT}",
        f"  runs of {STEPS} steps of each variant, with `--lockstep`. The slower variant does a planted share more of",
        "  the same arithmetic. One experiment at a time, the cases in turn, none omitted. A neighbour is a process",
        "  that keeps one core busy.",
        "",
        f"| {' | '.join(COLUMNS)} |",
        "|---|" + "---:|" * (len(COLUMNS) - 1),
        *(row(case, by_case[case.name]) for case in CASES if by_case[case.name]),
        "",
        *judgement(by_case),
    ]
    write("verdicts", [*lines, "", contention.line()])


if __name__ == "__main__":
    main()
