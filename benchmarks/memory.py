"""The cost of watching in memory: while one process keeps training, the TUI attaches, stays for some seconds and
detaches, over and over.

`python -m benchmarks.memory` writes benchmarks/results/memory.md.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

from benchmarks.conditions import machine, versions, write
from benchmarks.terminal import Terminal

EXAMPLES = Path(__file__).resolve().parent.parent / "profilednn_tui" / "examples"
WARM_UP_S = 20.0
PAUSE_S = 5.0
LIMIT_S = 120.0


@dataclass(frozen=True)
class Case:
    """A training script, and how often and how long it is visited, from the first window on."""

    name: str
    script: list[str]
    visits: int
    visit_s: float


CASES = [
    Case("RetinaNet (the demo)", ["train_retinanet.py", "--steps", "100000"], 6, 12.0),
    Case("ResNet-18", ["train_resnet18.py", "--steps", "100000", "--batch-size", "8"], 8, 5.0),
    Case("small MLP", ["train_mlp.py", "--steps", "9000000", "--width", "256", "--batch-size", "128"], 8, 5.0),
]


@dataclass(frozen=True)
class Span:
    """Memory during some seconds of training, in bytes."""

    resident: float
    """Median of several samples."""
    peak: int


def observe(pid: int, duration_s: float, wait: Callable[[float], None]) -> Span:
    """Sample the memory of a process for some seconds, using `wait` to let time pass."""
    Path(f"/proc/{pid}/clear_refs").write_text("5")  # the peak counts from here on
    end_s, looks = time.monotonic() + duration_s, []
    while time.monotonic() < end_s:
        wait(0.25)
        looks.append(status_bytes(pid, "VmRSS"))
    return Span(statistics.median(looks), status_bytes(pid, "VmHWM"))


def status_bytes(pid: int, name: str) -> int:
    """A value from the process's status."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith(name))


def visit(pid: int, home: Path, duration_s: float) -> Span:
    """Attach, stay, detach; raises TimeoutError if no window comes."""
    command = [sys.executable, "-m", "profilednn_tui", "attach", str(pid)]
    terminal = Terminal(command, {**os.environ, "PROFILEDNN_HOME": str(home)})

    def has_window() -> bool:
        return any(b'"event":"window"' in recording.read_bytes() for recording in home.glob("*/agent-*.jsonl"))

    terminal.drain_until(has_window, LIMIT_S)
    span = observe(pid, duration_s, terminal.drain_for)
    for key in "qd":
        terminal.press(key)
        terminal.drain_for(0.5)
    terminal.close()
    return span


def measure(case: Case) -> str:
    """The table row of a case."""
    command = [sys.executable, str(EXAMPLES / case.script[0]), *case.script[1:]]
    null = subprocess.DEVNULL
    with tempfile.TemporaryDirectory() as folder, subprocess.Popen(command, stdout=null, stderr=null) as process:
        try:
            time.sleep(WARM_UP_S)
            pauses, visits = [observe(process.pid, PAUSE_S, time.sleep)], []
            for number in range(case.visits):
                visits.append(visit(process.pid, Path(folder) / str(number), case.visit_s))
                pauses.append(observe(process.pid, PAUSE_S, time.sleep))
        finally:
            process.kill()
    plain_mb = statistics.median(pause.resident for pause in pauses) / 1e6
    cells = [case.name, f"{plain_mb:,.0f} MB"]
    for name in ("resident", "peak"):
        around = [(getattr(before, name) + getattr(after, name)) / 2 for before, after in pairwise(pauses)]
        more_mb = [(getattr(one, name) - plain) / 1e6 for one, plain in zip(visits, around, strict=True)]
        cells.append(f"{statistics.median(more_mb):+.0f} MB ({min(more_mb):+.0f} to {max(more_mb):+.0f})")
    return "| " + " | ".join(cells) + " |"


def main() -> None:
    """Measure all cases and write the table."""
    rows = [measure(case) for case in CASES]
    visits = ", ".join(f"{case.visits} x {case.visit_s:g} s" for case in CASES)
    lines = [
        "## What watching costs in memory",
        "",
        *machine(),
        versions("torch", "torchvision"),
        f"- One process per case, visited by the TUI ({visits}, from the first window on), against the pauses before",
        "  and after each visit: resident memory, median of four samples per second, and its peak. Median of the",
        "  visits (lowest to highest).",
        "",
        "| training | resident, plain | resident, watched | peak, watched |",
        "|---|---:|---:|---:|",
        *rows,
    ]
    write("memory", lines)


if __name__ == "__main__":
    main()
