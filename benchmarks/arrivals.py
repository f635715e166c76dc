"""Attaches to many kinds of running training processes at random moments, and measures when the first figures arrive.

`python -m benchmarks.arrivals [--visits N]` writes benchmarks/results/arrivals.md.
"""

from __future__ import annotations

import argparse
import random
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from benchmarks.attach import bring_agent, send_away, wait_for_event
from benchmarks.conditions import Contention, machine, versions, write
from profilednn_tui.attach.stacks import dump_stacks

TARGET = Path(__file__).resolve().parent.parent / "tests" / "targets" / "attachable.py"
KINDS = ("resnet18", "trainer", "lightning", "loader", "lbfgs", "gan", "inductor", "worker_thread")
LIMIT_S = 3.0
MAX_WAIT_S = 1.0
"""Longest time from the first step to attaching."""
OVERHEAD_PERCENT = 2.0


@dataclass(frozen=True)
class Arrival:
    """One visit; times in seconds since the attempt to attach."""

    way: str
    hello_s: float
    steps_s: float
    operators_s: float
    stacks: bool
    """Whether py-spy's stacks from outside included a line of the training script before the agent was loaded."""
    unharmed: bool
    """Whether the process ended with its usual output and exit code."""


def visit(kind: str, wait_s: float) -> Arrival:
    """Start a training process, attach to it, wait for operators, detach, and let it end."""
    pipe = subprocess.PIPE
    with tempfile.TemporaryDirectory() as folder:
        process = subprocess.Popen(
            [sys.executable, str(TARGET), kind], stdin=pipe, stdout=pipe, stderr=pipe, text=True, cwd=folder
        )
        try:
            assert process.stdout is not None
            assert process.stdout.readline() == "ready\n"
            time.sleep(wait_s)
            stacks = any("attachable.py" in text for text in dump_stacks([process.pid], time.time_ns()).strings)
            arrival = attach(process.pid, Path(folder))
            said = process.communicate("end\n", timeout=60)
        finally:
            process.kill()
    return Arrival(*arrival, stacks, (*said, process.returncode) == ("done\n", "", 0))


def attach(pid: int, folder: Path) -> tuple[str, float, float, float]:
    """The method, and when the agent, steps and operators arrived."""
    began_s = time.monotonic()
    attached = bring_agent(pid, folder, OVERHEAD_PERCENT)
    moments_s = [time.monotonic() - began_s]
    for kind in ("steps", "window"):
        wait_for_event(pid, folder, kind)
        moments_s.append(time.monotonic() - began_s)
    send_away(pid, folder)
    hello_s, steps_s, operators_s = moments_s
    return attached.way, hello_s, steps_s, operators_s


def row(kind: str, arrivals: list[Arrival]) -> str:
    """The table row of a kind, with its longest times."""
    cells = [
        kind.replace("_", " "),
        ", ".join(sorted({arrival.way for arrival in arrivals})),
        *(
            f"{max(getattr(arrival, name) for arrival in arrivals):.2f}"
            for name in ("hello_s", "steps_s", "operators_s")
        ),
        *(
            f"{sum(getattr(arrival, name) for arrival in arrivals)} of {len(arrivals)}"
            for name in ("stacks", "unharmed")
        ),
    ]
    return f"| {' | '.join(cells)} |"


def main() -> None:
    """Visit all kinds and write the table; exits with 1 if something was late or harmed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--visits", type=int, default=5)
    options = parser.parse_args()
    chance = random.Random(0)
    contention = Contention()
    kinds = {kind: [visit(kind, chance.uniform(0, MAX_WAIT_S)) for _ in range(options.visits)] for kind in KINDS}
    lines = [
        "## The first figures after attaching",
        "",
        *machine(),
        versions("torch", "torchvision", "transformers", "lightning"),
        f"- {options.visits} visits per kind, each to a new training process, at a random moment up to {MAX_WAIT_S:g}",
        "  s after its first step, default budget. Seconds since the attempt to attach, the longest of the visits.",
        "",
        "| training | method | agent, s | steps, s | operators, s | stacks from outside | ended as usual |",
        "|---|---|---:|---:|---:|---:|---:|",
        *(row(kind, arrivals) for kind, arrivals in kinds.items()),
        "",
        contention.line(),
    ]
    write("arrivals", lines)
    if any(
        arrival.operators_s > LIMIT_S or not (arrival.stacks and arrival.unharmed)
        for arrivals in kinds.values()
        for arrival in arrivals
    ):
        sys.exit(1)


if __name__ == "__main__":
    main()
