"""The cost of watching: one training process alternates between watched turns, with the TUI open in a terminal of the
same machine, and plain turns, with the agent's hooks removed and the TUI stopped.

The speed of a shared machine drifts by 10 % within seconds, two processes with the same training script differ by as
much permanently, and cores that have rested are faster for a while: so turns are short, in one process, and follow each
other immediately.

`python -m benchmarks.overhead [--case NAME]` writes benchmarks/results/overhead.md.
"""

from __future__ import annotations

import argparse
import json
import os
import select
import signal
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from itertools import chain, pairwise
from pathlib import Path
from typing import Any

from benchmarks.conditions import Contention, interval_95, machine, versions, write
from benchmarks.terminal import Terminal

OBSERVED = str(Path(__file__).with_name("observed.py"))
EXAMPLES = Path(__file__).resolve().parent.parent / "profilednn_tui" / "examples"
COLD_SHARE = 0.15
"""Share of a turn that is skipped, until the caches reflect this kind of turn and the TUI has caught up."""
WARM_UP_TURNS = 3
SETTLE_S = 0.1
"""How long training waits before each turn for the TUI to stop or resume: cores rest equally before all turns."""
DRAWS = 400
LIMIT_S = 300.0


@dataclass(frozen=True)
class Case:
    """A training script, and how it is measured."""

    name: str
    script: list[str]
    turn_s: float
    turns: int
    """Of each kind."""


CASES = [
    Case("RetinaNet (the demo)", ["train_retinanet.py", "--steps", "100000"], 5.0, 48),
    Case("ResNet-18", ["train_resnet18.py", "--steps", "20000", "--batch-size", "8"], 3.0, 40),
    Case("small MLP", ["train_mlp.py", "--steps", "9000000", "--width", "256", "--batch-size", "128"], 2.0, 40),
]


@dataclass(frozen=True)
class Result:
    """The figures of a case."""

    turns: list[tuple[str, list[int]]]
    """Kind of each turn, "w" or "p", and the moments of its updates in nanoseconds."""
    screen_percent: float
    """The overhead that the header showed at the end, relative to the watched time."""
    host_cpu_percent: float
    """CPU time of the TUI's process in watched turns, in percent of one core."""


def take_turns(case: Case, folder: Path) -> Result:
    """Run a case; raises TimeoutError if it makes no progress."""
    for name in ("go", "done"):
        os.mkfifo(folder / name, 0o600)
    go, done = os.open(folder / "go", os.O_RDWR), os.open(folder / "done", os.O_RDWR)

    def is_done(timeout_s: float = 0.0) -> bool:
        return bool(select.select([done], [], [], timeout_s)[0] and os.read(done, 1))

    environment = {key: value for key, value in os.environ.items() if not key.startswith(("PROFILEDNN", "KINETO"))}
    home = folder / "home"
    script = [str(EXAMPLES / case.script[0]), *case.script[1:]]
    terminal = Terminal(
        [sys.executable, "-m", "profilednn_tui", OBSERVED, str(folder), str(case.turn_s), *script],
        {**environment, "KINETO_LOG_LEVEL": "99", "PROFILEDNN_HOME": str(home)},
    )
    terminal.drain_until(is_done, LIMIT_S, done)
    cpu_s = live_s = 0.0
    for turn in range(case.turns + WARM_UP_TURNS):
        os.kill(terminal.pid, signal.SIGTSTP)
        terminal.drain_for(SETTLE_S)
        os.write(go, b"p")
        if not is_done(LIMIT_S):
            raise TimeoutError("training makes no progress")
        os.kill(terminal.pid, signal.SIGCONT)
        terminal.drain_for(SETTLE_S)
        begin_s, cpu_before_s = time.monotonic(), terminal.cpu_s()
        os.write(go, b"w")
        terminal.drain_until(is_done, LIMIT_S, done)
        if turn >= WARM_UP_TURNS:
            live_s += time.monotonic() - begin_s
            cpu_s += terminal.cpu_s() - cpu_before_s
    status = _last_status(home)
    os.write(go, b"q")
    terminal.drain_until(lambda: bool(list(home.glob("*/exit.json"))), LIMIT_S)
    terminal.press("q")
    terminal.close()
    for descriptor in (go, done):
        os.close(descriptor)
    turns = json.loads((folder / "turns.json").read_text())[1 + 2 * WARM_UP_TURNS :]
    return Result(turns, status["overhead_percent"], 100 * cpu_s / live_s)


def _last_status(home: Path) -> dict[str, Any]:
    stream = next(home.glob("*/agent-*.jsonl"))
    found: list[dict[str, Any]] = [
        json.loads(line) for line in stream.read_text().splitlines() if line.startswith('{"event":"status"')
    ]
    return found[-1]


def row(name: str, result: Result) -> str:
    """The table row of a case."""
    turns_ms = [(kind, _warm_steps_ms(updates_ns)) for kind, updates_ns in result.turns]
    cells = [
        name,
        f"{statistics.median(step for kind, turn in turns_ms if kind == 'p' for step in turn):.2f}",
        _with_interval(_percents(turns_ms, statistics.median), statistics.median),
        _with_interval(_percents(turns_ms, statistics.mean), statistics.mean),
        f"{result.screen_percent:.1f} %",
        f"{result.host_cpu_percent:.1f} %",
    ]
    return "| " + " | ".join(cells) + " |"


def _warm_steps_ms(updates_ns: list[int]) -> list[float]:
    warm_ns = updates_ns[0] + COLD_SHARE * (updates_ns[-1] - updates_ns[0])
    return [(after - before) / 1e6 for before, after in pairwise(updates_ns) if before >= warm_ns]


def _percents(turns_ms: list[tuple[str, list[float]]], middle: Callable[[list[float]], float]) -> list[list[float]]:
    """The slowdown of each step of each watched turn against the plain turns before and after it."""
    return [
        [100 * (2 * step / (middle(before) + middle(after)) - 1) for step in turn]
        for (_, before), (kind, turn), (_, after) in zip(turns_ms, turns_ms[1:], turns_ms[2:], strict=False)
        if kind == "w"
    ]


def _with_interval(turns: list[list[float]], middle: Callable[[list[float]], float]) -> str:
    """The middle of all steps with its 95 % interval, for which whole turns are resampled."""

    def of_all(some: list[list[float]]) -> float:
        return middle(list(chain(*some)))

    low, high = interval_95(turns, of_all, DRAWS)
    return f"{of_all(turns):+.1f} % ({low:+.1f} to {high:+.1f})"


def main() -> None:
    """Measure all cases and write the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--case", help="only cases with this in their name; the table is not written")
    options = parser.parse_args()
    contention = Contention()
    rows = []
    for case in CASES:
        if not options.case or options.case in case.name:
            with tempfile.TemporaryDirectory() as folder:
                rows.append(row(case.name, take_turns(case, Path(folder))))
            print(rows[-1], flush=True)
    if options.case:
        return
    lines = [
        "## What watching costs",
        "",
        *machine(),
        versions("torch", "torchvision", "textual"),
        "- One process per case, training on all cores, alternates between watched turns, with the default budget and",
        "  the TUI open in a terminal of the same machine, and plain turns, without the agent's hooks and the TUI:",
        f"  {', '.join(f'{case.turns} x {case.turn_s:g} s' for case in CASES)} of each kind.",
        "  Each watched step, profiled ones included, against the plain turns around it: median and mean of all",
        "  (95 % interval). Then the agent's overhead, as the header shows it, and the TUI's CPU time in percent of a",
        "  core: training that uses all cores loses that, too.",
        "",
        "| training | plain step, ms | median step | mean step | overhead on the screen | TUI |",
        "|---|---:|---:|---:|---:|---:|",
        *rows,
    ]
    remark = "  The training processes, which are not children of the benchmark, count as others here."
    write("overhead", [*lines, "", contention.line(), remark])


if __name__ == "__main__":
    main()
