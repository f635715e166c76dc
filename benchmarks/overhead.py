"""What watching costs a training: a plain and a watched run take turns of about a second, the TUI open in a terminal
of the same machine.

The speed of a shared machine drifts by more than what is measured here, within minutes; so both runs live at the same
time and only one of them trains at a time. While the plain one does, the TUI is stopped.

`python -m benchmarks.overhead [--pairs N]` writes benchmarks/results/overhead.md.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path
from typing import Any

from benchmarks.conditions import Contention, machine, versions, write
from benchmarks.terminal import Terminal
from profilednn_tui.launch.options import DEFAULT_OVERHEAD_PERCENT

ROOT = Path(__file__).resolve().parent.parent
OBSERVED = str(Path(__file__).with_name("observed.py"))
EXAMPLES = ROOT / "profilednn_tui" / "examples"
COLD_SHARE = 0.15
"""So much of a turn goes by before the caches are a training's own again."""
WARM_UP_TURNS = 3
REPAINT_S = 0.3
"""The TUI is given before its run trains again; the plain run waits as long: cores that were idle are faster."""
LIMIT_S = 300.0


@dataclass(frozen=True)
class Case:
    """A training, and how it is measured."""

    name: str
    script: list[str]
    turn_s: float
    turns: int
    pairs: int
    """The faster a step, the more it depends on where the memory of a process happens to lie."""


CASES = [
    Case("RetinaNet (the demo)", ["train_retinanet.py", "--steps", "5000"], 5.0, 16, 3),
    Case("ResNet-18", ["train_resnet18.py", "--steps", "20000", "--batch-size", "8"], 0.8, 16, 8),
    Case("small MLP", ["train_mlp.py", "--steps", "1000000", "--width", "256", "--batch-size", "128"], 0.5, 24, 8),
]


@dataclass(frozen=True)
class Turns:
    """What one of the two runs noted; the warm-up is left out."""

    medians_ms: list[float]
    """Median step of each turn."""
    means_ms: list[float]
    resident_bytes: float
    """Median between steps."""
    peak_bytes: int


@dataclass(frozen=True)
class Pair:
    """Two runs that took turns."""

    plain: Turns
    watched: Turns
    screen_percent: float
    """The overhead that the header showed at the end, of the time that the run had."""
    host_cpu_percent: float
    """CPU time of the TUI's process while it ran live, percent of one core."""


class Trainee:
    """One of the two runs, seen from here."""

    def __init__(self, folder: Path, name: str, turn_s: float) -> None:
        self._out = folder / f"{name}.json"
        for end in ("go", "done"):
            os.mkfifo(folder / f"{name}.{end}", 0o600)
        self._go = os.open(folder / f"{name}.go", os.O_RDWR)
        self._done = os.open(folder / f"{name}.done", os.O_RDWR | os.O_NONBLOCK)
        self.command = [sys.executable, OBSERVED, str(folder), name, str(turn_s)]

    def go(self, word: bytes = b".") -> None:
        """Give it its next turn."""
        os.write(self._go, word)

    def has_done(self) -> bool:
        """Whether its turn is over."""
        try:
            return bool(os.read(self._done, 1))
        except BlockingIOError:
            return False

    def turns(self) -> Turns:
        """What it has noted."""
        noted = json.loads(self._out.read_text())
        steps = [_warm_steps_ms(turn) for turn in noted["turns_ns"][WARM_UP_TURNS:]]
        return Turns(
            [statistics.median(turn) for turn in steps],
            [statistics.mean(turn) for turn in steps],
            statistics.median(noted["resident_bytes"][WARM_UP_TURNS:]),
            noted["peak_bytes"],
        )

    def close(self) -> None:
        """End the ways to it."""
        os.close(self._go)
        os.close(self._done)


def _warm_steps_ms(updates_ns: list[int]) -> list[float]:
    warm_ns = updates_ns[0] + COLD_SHARE * (updates_ns[-1] - updates_ns[0])
    return [(after - before) / 1e6 for before, after in pairwise(updates_ns) if before >= warm_ns]


def take_turns(case: Case, folder: Path, environment: dict[str, str]) -> Pair:
    """Run a case both ways; raises TimeoutError when one of them does not come along."""
    plain, watched = (Trainee(folder, name, case.turn_s) for name in ("plain", "watched"))
    script = [str(EXAMPLES / case.script[0]), *case.script[1:]]
    home = folder / "home"
    # The agent takes the other's turns for its own time: half the budget of all is the whole budget of its own.
    options = ["--overhead", str(DEFAULT_OVERHEAD_PERCENT / 2)]
    null = subprocess.DEVNULL
    with subprocess.Popen([*plain.command, *script], env=environment, stdout=null, stderr=null):
        _wait(plain)
        terminal = Terminal(
            [sys.executable, "-m", "profilednn_tui", *options, *watched.command[1:], *script],
            {**environment, "PROFILEDNN_HOME": str(home)},
        )
        terminal.drain_until(watched.has_done, LIMIT_S)
        cpu_s = live_s = 0.0
        for turn in range(case.turns + WARM_UP_TURNS):
            os.kill(terminal.pid, signal.SIGTSTP)
            time.sleep(REPAINT_S)
            plain.go()
            _wait(plain)
            os.kill(terminal.pid, signal.SIGCONT)
            terminal.drain_for(REPAINT_S)
            begin_s, cpu_before_s = time.monotonic(), terminal.cpu_s()
            watched.go()
            terminal.drain_until(watched.has_done, LIMIT_S)
            if turn >= WARM_UP_TURNS:
                live_s += time.monotonic() - begin_s
                cpu_s += terminal.cpu_s() - cpu_before_s
        status = _last_status(home)
        plain.go(b"q")
        watched.go(b"q")
        terminal.drain_until(lambda: bool(list(home.glob("*/exit.json"))), LIMIT_S)
        terminal.drain_for(2)  # until the screen, too, knows that the training has ended
        terminal.press("q")
        terminal.close()
    for trainee in (plain, watched):
        trainee.close()
    return Pair(plain.turns(), watched.turns(), 2 * status["overhead_percent"], 100 * cpu_s / live_s)


def _wait(trainee: Trainee) -> None:
    end_s = time.monotonic() + LIMIT_S
    while not trainee.has_done():
        if time.monotonic() > end_s:
            raise TimeoutError("the plain run does not come along")
        time.sleep(0.01)


def _last_status(home: Path) -> dict[str, Any]:
    stream = next(home.glob("*/agent-*.jsonl"))
    found: list[dict[str, Any]] = [
        json.loads(line) for line in stream.read_text().splitlines() if line.startswith('{"event":"status"')
    ]
    return found[-1]


def measure(cases: list[Case]) -> Iterator[str]:
    """The rows of the table."""
    environment = {key: value for key, value in os.environ.items() if not key.startswith(("PROFILEDNN", "KINETO"))}
    environment["KINETO_LOG_LEVEL"] = "99"
    for case in cases:
        made = []
        for _ in range(case.pairs):
            with tempfile.TemporaryDirectory() as folder:
                made.append(take_turns(case, Path(folder), environment))
            print(row(case.name, made[-1:]), flush=True)
        yield row(case.name, made)


def row(name: str, pairs: list[Pair]) -> str:
    """A case's line of the table."""
    medians = [_percents(pair.plain.medians_ms, pair.watched.medians_ms) for pair in pairs]
    means = [_percents(pair.plain.means_ms, pair.watched.means_ms) for pair in pairs]
    screen = statistics.median(pair.screen_percent for pair in pairs)
    resident_mb = statistics.median((pair.watched.resident_bytes - pair.plain.resident_bytes) / 1e6 for pair in pairs)
    peak_mb = statistics.median((pair.watched.peak_bytes - pair.plain.peak_bytes) / 1e6 for pair in pairs)
    cells = [
        name,
        f"{statistics.median(ms for pair in pairs for ms in pair.plain.medians_ms):.2f}",
        with_interval(medians, statistics.median),
        with_interval(means, statistics.mean),
        f"{screen:.1f} %",
        f"{statistics.median(pair.host_cpu_percent for pair in pairs):.1f} %",
        f"{resident_mb:+.0f} MB",
        f"{peak_mb:+.0f} MB",
    ]
    return "| " + " | ".join(cells) + " |"


def _percents(plain: list[float], watched: list[float]) -> list[float]:
    """Of each watched turn against the mean of the plain turns before and after it."""
    around = [(before + after) / 2 for before, after in pairwise(plain)]
    return [100 * (ours / theirs - 1) for ours, theirs in zip(watched, around, strict=False)]


def with_interval(runs: list[list[float]], middle: Callable[[list[float]], float]) -> str:
    """Middle of all turns, with its 95 % bootstrap interval over pairs and their turns, then each pair's middle."""
    chance = random.Random(0)

    def again() -> float:
        return middle([turn for run in chance.choices(runs, k=len(runs)) for turn in chance.choices(run, k=len(run))])

    drawn = sorted(again() for _ in range(1000))
    of_runs = ", ".join(f"{middle(run):+.1f}" for run in runs)
    return f"{middle([turn for run in runs for turn in run]):+.1f} % ({drawn[25]:+.1f} to {drawn[974]:+.1f}; {of_runs})"


def _each(values: Iterable[object]) -> str:
    """One for each case."""
    return ", ".join(map(str, values))


def main() -> None:
    """Measure all cases and write the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pairs", type=int, help="of each case, instead of its own number")
    parser.add_argument("--case", help="only cases with this in their name; the table is not kept")
    options = parser.parse_args()
    cases = [
        replace(case, pairs=options.pairs or case.pairs)
        for case in CASES
        if not options.case or options.case in case.name
    ]
    contention = Contention()
    rows = list(measure(cases))
    if options.case:
        print("\n".join(rows))
        return
    lines = [
        "## What watching costs",
        "",
        *machine(),
        versions("torch", "torchvision", "textual"),
        f"- {_each(case.pairs for case in cases)} pairs of processes; the two of a pair live at the same time and",
        f"  train in turns of {_each(case.turn_s for case in cases)} s ({_each(case.turns for case in cases)} turns",
        "  each), all cores training, default budget, the TUI open in a terminal of the same machine and stopped in",
        "  the other's turns. Step times come from one observer, the same in both. Each watched turn against the plain",
        "  ones around it: median of the turns' median steps, mean of their mean steps (95 % interval over pairs and",
        "  turns; each pair by itself). Then what the header shows: the agent's overhead; and the TUI's CPU time in",
        "  percent of a core: a training that uses all cores loses that, too.",
        "",
        "| training | plain step, ms | median step | mean step | overhead on the screen | TUI | memory | its peak |",
        "|---|---:|---:|---:|---:|---:|---:|---:|",
        *rows,
    ]
    remark = "  The watched trainings, which are no children of the benchmark, count as others here."
    write("overhead", [*lines, "", contention.line(), remark])


if __name__ == "__main__":
    main()
