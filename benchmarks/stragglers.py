"""How often a late rank is named with its phase, and equal ranks are left alone, within 20 steps.

`python -m benchmarks.stragglers [--minutes M]` runs two ranks of one thread, and goes on where the last call ended.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from statistics import median

from benchmarks.conditions import RESULTS, Contention, machine, versions, write
from benchmarks.safety.run import clean_environment
from benchmarks.trials import Row, Trials
from benchmarks.verdicts import neighbour
from profilednn_tui.ranks.account import FIRST_STEPS, Ranks, ranks_of
from profilednn_tui.ranks.straggler import NEIGHBOUR
from profilednn_tui.session.open_session import open_session

ROOT = Path(__file__).resolve().parents[1]
PROGRAM = ROOT / "tests" / "targets" / "ranks.py"
PHASES = ("backward", "forward", "data", "optimizer")
EQUAL, BESIDE = "equal", "beside a busy process"
RUNS = 40
STEPS = FIRST_STEPS + 20
ROWS = 1_024
"""Of a batch: a step takes some 20 ms."""
LATE = 0.2
"""Of the step."""


FAILURES: list[str] = []
"""What runs ended with that had to be made again: gloo loses a connection now and then."""
MOST_FAILURES = 5


def trained(milliseconds: float, where: str, steps: int = STEPS) -> Ranks:
    """The account of two ranks, of which the second one is late."""
    found = None
    while found is None:
        found = _trained(milliseconds, where, steps)
        if len(FAILURES) > MOST_FAILURES:
            sys.exit("\n".join(FAILURES))
    return found


def _trained(milliseconds: float, where: str, steps: int) -> Ranks | None:
    """None if the run has failed."""
    with tempfile.TemporaryDirectory() as home:
        done = subprocess.run(
            [sys.executable, "-m", "profilednn_tui", "run", "--headless", "--name", "ranks", str(PROGRAM), "plain",
             f"{milliseconds:.3f}", where, str(steps), "2", str(ROWS)],
            cwd=home,
            env=clean_environment(PROFILEDNN_HOME=home, PYTHONPATH=str(ROOT)),
            check=False,
            capture_output=True,
            text=True,
        )  # fmt: skip
        if done.returncode:
            FAILURES.append(f"exit code {done.returncode}: {done.stderr[-2000:]}")
            print(FAILURES[-1], flush=True)
            return None
        (folder,) = (path for path in Path(home).iterdir() if path.is_dir())
        with open_session(folder) as session:
            session.catch_up()
            return ranks_of(session.view().ranks)


@cache
def own_ms(case: str) -> float:
    """The own work of a rank in a step, without any delay."""
    return median(row.own_ns for row in trained(0.0, case).rows) / 1e6


def named(case: str) -> Row:
    """Who is named in one run."""
    if case == BESIDE:
        with neighbour():
            found = trained(0.0, "backward")
    elif case == EQUAL:
        found = trained(0.0, "backward")
    else:
        found = trained(LATE * own_ms(case) / (1 - LATE), case)
    late = found.straggler
    return {
        "known": found.known,
        "late": None
        if late is None
        else {"rank": late.rank, "phase": late.phase, "cause": late.cause, "share": late.share},
    }


def is_right(case: str, row: Row) -> bool:
    """Whether what was said in a run is what was planted."""
    late = row["late"]
    if case in PHASES:
        return late is not None and (late["rank"], late["phase"]) == (1, case)
    if case == EQUAL:
        return late is None
    return late is None or (late["cause"] == NEIGHBOUR and late["phase"] is None)


def lines(trials: Trials) -> Iterator[str]:
    """The table."""
    yield "| planted | runs | right | nobody named | neighbour named | other |"
    yield "|---|---:|---:|---:|---:|---:|"
    for case in (*PHASES, EQUAL, BESIDE):
        rows = trials.rows(case)
        right = sum(is_right(case, row) for row in rows)
        wrong = [row["late"] for row in rows if not is_right(case, row)]
        nobody = sum(late is None for late in wrong)
        beside = sum(late is not None and late["cause"] == NEIGHBOUR for late in wrong)
        yield f"| {case} | {len(rows)} | {right} | {nobody} | {beside} | {len(wrong) - nobody - beside} |"


def main() -> None:
    """Make the missing runs and write the table."""
    trials = Trials(RESULTS / "stragglers.jsonl")
    minutes = trials.minutes_asked_for(__doc__, 45.0)
    contention = Contention()
    trials.go_on(minutes, dict.fromkeys((*PHASES, EQUAL, BESIDE), RUNS), named)
    head = ["## Late ranks", "", *machine(), versions("torch")]
    note = (
        f"- Two ranks of one thread; the second one computes {LATE:.0%} of its step longer in the phase, for {STEPS} "
        f"steps, of which the first {FIRST_STEPS} do not count. Nobody named, a neighbour, and other: of the runs that "
        "are not right."
    )
    write("stragglers", [*head, note, contention.line(), "", *lines(trials)])


if __name__ == "__main__":
    main()
