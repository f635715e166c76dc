"""What watching costs a training: one process, watched and left alone in turn, the TUI open in a terminal of the same
machine.

Two processes of the same training differ by 5 to 10 %, however they are paired, and a shared machine drifts by as much
within minutes. So one process trains on, and the TUI attaches, stays for some seconds and leaves, again and again.

`python -m benchmarks.overhead [--case NAME]` writes benchmarks/results/overhead.md.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import statistics
import subprocess
import sys
import tempfile
import time
from bisect import bisect_left
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

from benchmarks.conditions import Contention, machine, versions, write
from benchmarks.terminal import Terminal

OBSERVED = str(Path(__file__).with_name("observed.py"))
EXAMPLES = Path(__file__).resolve().parent.parent / "profilednn_tui" / "examples"
WARM_UP_S = 5.0
LEFT_S = 2.0
"""From leaving on, until a pause counts."""
LIMIT_S = 120.0


@dataclass(frozen=True)
class Case:
    """A training, and how it is measured."""

    name: str
    script: list[str]
    visits: int
    settle_s: float
    """From the first window on, until a visit counts: two windows are granted at once, later ones must be earned."""
    visit_s: float
    pause_s: float


CASES = [
    Case("RetinaNet (the demo)", ["train_retinanet.py", "--steps", "100000"], 9, 5.0, 20.0, 12.0),
    Case("ResNet-18", ["train_resnet18.py", "--steps", "20000", "--batch-size", "8"], 20, 2.0, 4.0, 3.0),
    Case(
        "small MLP", ["train_mlp.py", "--steps", "9000000", "--width", "256", "--batch-size", "128"], 16, 2.0, 4.0, 3.0
    ),
]


@dataclass(frozen=True)
class Span:
    """Some seconds of the training; its memory in bytes."""

    begin_ns: int
    end_ns: int
    resident_bytes: float
    """Median of some looks."""
    peak_bytes: int

    def steps_ms(self, updates_ns: list[int]) -> list[float]:
        """Its whole steps."""
        inside = updates_ns[bisect_left(updates_ns, self.begin_ns) : bisect_left(updates_ns, self.end_ns)]
        return [(after - before) / 1e6 for before, after in pairwise(inside)]


@dataclass(frozen=True)
class Visit:
    """One time that the TUI was there."""

    span: Span
    screen_percent: float
    """The overhead that the header showed at the end."""
    host_cpu_percent: float
    """CPU time of the TUI's process, percent of one core."""


def observe(pid: int, duration_s: float, wait: Callable[[float], None]) -> Span:
    """Look at the process for some seconds, which `wait` lets pass."""
    Path(f"/proc/{pid}/clear_refs").write_text("5")  # the peak counts from here on
    begin_ns, resident_bytes = time.monotonic_ns(), []
    while time.monotonic_ns() < begin_ns + duration_s * 1e9:
        wait(0.25)
        resident_bytes.append(memory_bytes(pid, "VmRSS"))
    return Span(begin_ns, time.monotonic_ns(), statistics.median(resident_bytes), memory_bytes(pid, "VmHWM"))


def memory_bytes(pid: int, name: str) -> int:
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith(name))


def visit(pid: int, home: Path, case: Case, environment: dict[str, str]) -> Visit:
    """Attach, stay, detach; raises TimeoutError when no window comes."""
    command = [sys.executable, "-m", "profilednn_tui", "attach", str(pid)]
    terminal = Terminal(command, {**environment, "PROFILEDNN_HOME": str(home)})
    terminal.drain_until(lambda: any(of_kind(home, "window")), LIMIT_S)
    terminal.drain_for(case.settle_s)
    before_s = terminal.cpu_s()
    span = observe(pid, case.visit_s, terminal.drain_for)
    used_s = terminal.cpu_s() - before_s
    (*_, status) = of_kind(home, "status")
    for key in "qd":
        terminal.press(key)
        terminal.drain_for(0.5)
    terminal.close()
    return Visit(span, status["overhead_percent"], 100e9 * used_s / (span.end_ns - span.begin_ns))


def of_kind(home: Path, kind: str) -> Iterator[dict[str, Any]]:
    """The agent's events of this kind."""
    for recording in home.glob("*/agent-*.jsonl"):
        text = recording.read_bytes()
        for line in text[: text.rfind(b"\n") + 1].splitlines():
            if line.startswith(f'{{"event":"{kind}"'.encode()):
                yield json.loads(line)


def measure(case: Case) -> str:
    """A case's line of the table."""
    environment = {key: value for key, value in os.environ.items() if not key.startswith(("PROFILEDNN", "KINETO"))}
    environment["KINETO_LOG_LEVEL"] = "99"
    script = [str(EXAMPLES / case.script[0]), *case.script[1:]]
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        null = subprocess.DEVNULL
        process = subprocess.Popen([sys.executable, OBSERVED, name, *script], env=environment, stdout=null, stderr=null)
        try:
            end_s = time.monotonic() + LIMIT_S
            while not (folder / "ready").exists():
                if process.poll() is not None or time.monotonic() > end_s:
                    raise TimeoutError(f"{script[0]} does not train")
                time.sleep(0.1)
            time.sleep(WARM_UP_S)
            pauses, visits = [observe(process.pid, case.pause_s, time.sleep)], []
            for number in range(case.visits):
                visits.append(visit(process.pid, folder / str(number), case, environment))
                time.sleep(LEFT_S)
                pauses.append(observe(process.pid, case.pause_s, time.sleep))
            (folder / "stop").touch()
            process.wait(LIMIT_S)
        finally:
            process.kill()
        return row(case.name, json.loads((folder / "updates.json").read_text()), pauses, visits)


def row(name: str, updates_ns: list[int], pauses: list[Span], visits: list[Visit]) -> str:
    """The figures of a case."""

    def change(middle: Callable[[list[float]], float]) -> str:
        plain = [middle(pause.steps_ms(updates_ns)) for pause in pauses]
        watched = [middle(one.span.steps_ms(updates_ns)) for one in visits]
        around = [(before + after) / 2 for before, after in pairwise(plain)]
        return with_interval([100 * (ours / theirs - 1) for ours, theirs in zip(watched, around, strict=True)])

    def more_mb(size: Callable[[Span], float]) -> str:
        around = [(size(before) + size(after)) / 2 for before, after in pairwise(pauses)]
        more = [(size(one.span) - plain) / 1e6 for one, plain in zip(visits, around, strict=True)]
        return f"{statistics.median(more):+.0f} MB ({min(more):+.0f} to {max(more):+.0f})"

    screen = [one.screen_percent for one in visits]
    cells = [
        name,
        f"{statistics.median(step for pause in pauses for step in pause.steps_ms(updates_ns)):.2f}",
        change(statistics.median),
        change(statistics.mean),
        f"{statistics.median(screen):.1f} % ({min(screen):.1f} to {max(screen):.1f})",
        f"{statistics.median(one.host_cpu_percent for one in visits):.1f} %",
        more_mb(lambda span: span.resident_bytes),
        more_mb(lambda span: span.peak_bytes),
    ]
    return "| " + " | ".join(cells) + " |"


def with_interval(percents: list[float]) -> str:
    """The median of all visits with its 95 % bootstrap interval, and the quartiles of the visits."""
    chance = random.Random(0)
    drawn = sorted(statistics.median(chance.choices(percents, k=len(percents))) for _ in range(1000))
    low, _, high = statistics.quantiles(percents)
    return (
        f"{statistics.median(percents):+.1f} % ({drawn[25]:+.1f} to {drawn[974]:+.1f}; "
        f"half of the visits {low:+.1f} to {high:+.1f})"
    )


def main() -> None:
    """Measure all cases and write the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--case", help="only cases with this in their name; the table is not kept")
    options = parser.parse_args()
    contention = Contention()
    rows = []
    for case in CASES:
        if not options.case or options.case in case.name:
            rows.append(measure(case))
            print(rows[-1], flush=True)
    if options.case:
        return
    visits = ", ".join(f"{case.visits} x {case.visit_s:g} s" for case in CASES)
    lines = [
        "## What watching costs",
        "",
        *machine(),
        versions("torch", "torchvision", "textual"),
        "- One process a case trains on all cores; the TUI attaches to it with the default budget, stays and leaves,",
        f"  {visits}. Each visit, from {', '.join(f'{case.settle_s:g}' for case in CASES)} s after its first window",
        "  on, is compared with the pauses before and after it: its median step, its mean step, the process's memory",
        "  between and at peaks. The median of the visits, with its 95 % interval. Then what the header shows (the",
        "  agent's overhead), and the TUI's CPU time in percent of a core: a training on all cores loses that, too.",
        "",
        "| training | plain step, ms | median step | mean step | overhead on the screen | TUI | memory | its peak |",
        "|---|---:|---:|---:|---:|---:|---:|---:|",
        *rows,
    ]
    remark = "  The trainings count as others here."
    write("overhead", [*lines, "", contention.line(), remark])


if __name__ == "__main__":
    main()
