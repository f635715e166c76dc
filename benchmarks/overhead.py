"""What watching costs a training: plain and watched runs in turn, the TUI open in a terminal of the same machine.

`python -m benchmarks.overhead [--pairs N]` writes benchmarks/results/overhead.md.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

from benchmarks.conditions import Contention, machine, versions, write
from benchmarks.terminal import Terminal

ROOT = Path(__file__).resolve().parent.parent
OBSERVED = str(Path(__file__).with_name("observed.py"))
EXAMPLES = ROOT / "profilednn_tui" / "examples"
WARM_UP_SHARE = 0.2
CASES = {
    "RetinaNet (the demo)": ["train_retinanet.py", "--steps", "24"],
    "ResNet-18": ["train_resnet18.py", "--steps", "240", "--batch-size", "8"],
    "small MLP": ["train_mlp.py", "--steps", "6000", "--width", "256", "--batch-size", "128"],
}


@dataclass(frozen=True)
class Run:
    """One run of a case; the warm-up is left out."""

    median_ms: float
    mean_ms: float
    resident_bytes: float
    """Median between steps."""
    peak_bytes: int
    screen_percent: float = 0.0
    """The overhead that the header showed at the end."""
    host_cpu_percent: float = 0.0
    """CPU time of the TUI's process over its life, percent of one core."""


def figures(out: Path, **more: float) -> Run:
    noted = json.loads(out.read_text())
    updates = noted["updates_ns"][int(len(noted["updates_ns"]) * WARM_UP_SHARE) :]
    steps = [(after - before) / 1e6 for before, after in pairwise(updates)]
    memory = noted["resident_bytes"]
    resident_bytes = statistics.median(memory[int(len(memory) * WARM_UP_SHARE) :])
    return Run(statistics.median(steps), statistics.mean(steps), resident_bytes, noted["peak_bytes"], **more)


def plain(case: list[str], folder: Path, environment: dict[str, str]) -> Run:
    out = folder / "plain.json"
    command = [sys.executable, OBSERVED, str(out), str(EXAMPLES / case[0]), *case[1:]]
    subprocess.run(command, env=environment, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    return figures(out)


def watched(case: list[str], folder: Path, environment: dict[str, str]) -> Run:
    out = folder / "watched.json"
    out.unlink(missing_ok=True)
    home = folder / "home"
    command = [sys.executable, "-m", "profilednn_tui", OBSERVED, str(out), str(EXAMPLES / case[0]), *case[1:]]
    terminal = Terminal(command, {**environment, "PROFILEDNN_HOME": str(home)})
    terminal.drain_until(lambda: bool(list(home.glob("*/exit.json"))), 300)
    host_percent = 100 * terminal.cpu_s() / (time.monotonic() - terminal.start_s)
    session = max(home.iterdir())
    terminal.drain_until(lambda: b'"bye"' in next(session.glob("agent-*.jsonl")).read_bytes(), 10)
    terminal.drain_for(2)  # until the screen, too, knows that the training has ended
    terminal.press("q")
    terminal.close()
    status = last_status(session)
    return figures(out, screen_percent=status["overhead_percent"], host_cpu_percent=host_percent)


def last_status(session: Path) -> dict[str, Any]:
    lines = next(session.glob("agent-*.jsonl")).read_text().splitlines()
    found: list[dict[str, Any]] = [json.loads(line) for line in lines if line.startswith('{"event":"status"')]
    return found[-1]


def measure(pairs: int) -> Iterator[str]:
    environment = {key: value for key, value in os.environ.items() if not key.startswith(("PROFILEDNN", "KINETO"))}
    environment["KINETO_LOG_LEVEL"] = "99"
    for name, case in CASES.items():
        runs: list[tuple[Run, Run]] = []
        for index in range(pairs):
            with tempfile.TemporaryDirectory() as folder:
                order = (plain, watched) if index % 2 == 0 else (watched, plain)
                made = {way: way(case, Path(folder), environment) for way in order}
            runs.append((made[plain], made[watched]))
        line = row(name, runs)
        print(line, flush=True)
        yield line


def row(name: str, runs: list[tuple[Run, Run]]) -> str:
    by_median = [100 * (b.median_ms / a.median_ms - 1) for a, b in runs]
    by_mean = [100 * (b.mean_ms / a.mean_ms - 1) for a, b in runs]
    screen = statistics.median(b.screen_percent for _, b in runs)
    resident_mb = statistics.median((b.resident_bytes - a.resident_bytes) / 1e6 for a, b in runs)
    peak_mb = statistics.median((b.peak_bytes - a.peak_bytes) / 1e6 for a, b in runs)
    cells = [
        name,
        f"{statistics.median(a.median_ms for a, _ in runs):.2f}",
        percents(by_median),
        percents(by_mean),
        f"{screen:.1f} %",
        f"{resident_mb:+.0f} MB",
        f"{peak_mb:+.0f} MB",
        f"{statistics.median(b.host_cpu_percent for _, b in runs):.1f} %",
    ]
    return "| " + " | ".join(cells) + " |"


def percents(values: list[float]) -> str:
    return f"{statistics.median(values):+.1f} % ({min(values):+.1f} to {max(values):+.1f})"


def main() -> None:
    """Measure all cases and write the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pairs", type=int, default=5)
    options = parser.parse_args()
    contention = Contention()
    lines = [
        "## What watching costs",
        "",
        *machine(),
        versions("torch", "torchvision", "textual"),
        f"- {options.pairs} interleaved pairs a case (A B B A ...), default budget, all cores training, the TUI open",
        "  in a terminal of the same machine. Step times come from one observer, the same in both runs; the first",
        "  fifth of the steps is warm-up. Medians over the pairs (minimum to maximum).",
        "",
        "| training | plain step, ms | median step | mean step | on the screen | memory | its peak | TUI's CPU |",
        "|---|---:|---:|---:|---:|---:|---:|---:|",
        *measure(options.pairs),
    ]
    remark = "  The watched trainings, which are no children of the benchmark, count as others here."
    write("overhead", [*lines, "", contention.line(), remark])


if __name__ == "__main__":
    main()
