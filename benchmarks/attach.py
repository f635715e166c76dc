"""Attaching, measured from outside: cycles, how long a thread is stopped, kills, and the cost of stacks from outside.

`python -m benchmarks.attach [cycles] [kills] [outside] [--python PATH ...] [--cycles N] [--kills N]` writes
benchmarks/results/attach.md. Parts that are not measured, and interpreters that are not named, keep their last figures.
"""

from __future__ import annotations

import argparse
import json
import random
import signal
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from benchmarks.conditions import RESULTS, Contention, interval_95, machine, versions, write
from profilednn_tui.attach.checks import AttachContext
from profilednn_tui.attach.exchange import exchange_for
from profilednn_tui.attach.injector import ADDRESS, PENDING_CALL, SIZE
from profilednn_tui.attach.methods import AttachTarget
from profilednn_tui.attach.payload import start_text
from profilednn_tui.attach.process_facts import inspect_process
from profilednn_tui.attach.recorder import DUMP_INTERVAL_S
from profilednn_tui.attach.stacks import dump_stacks
from profilednn_tui.attach.strategy import AttachStrategy
from profilednn_tui.protocol.codec import encode
from profilednn_tui.protocol.events import AttachedEvent, Command
from profilednn_tui.protocol.files import agent_recording, control_file
from profilednn_tui.recording.helper import start_helper

TARGET = Path(__file__).resolve().parent.parent / "tests" / "targets" / "deterministic.py"
STEPS = "20000"
"""Enough for a slow target to run for half an hour."""
KILLED_STEPS = "4000"
TIME_LIMIT_S = 60.0
ROUND_S, ROUNDS, DRAWS = 2.0, 40, 1000
PARTS = ("cycles", "kills", "outside")
FIGURES = RESULTS / "attach.json"
COLUMNS = (
    "target", "cycles", "failed", "thread stopped, ms: median / p99 / max", "hello, ms: median",
    "RSS, MB: first / 100th / last", "weights", "printed",
)  # fmt: skip


@dataclass
class Cycles:
    """What happened to one target."""

    python: str
    done: int = 0
    failures: list[str] = field(default_factory=list)
    stopped_ms: list[float] = field(default_factory=list)
    """By the injector's clock, from before the thread is seized until it is released, for both calls together."""
    hello_s: list[float] = field(default_factory=list)
    resident_mb: list[float] = field(default_factory=list)
    same: bool = False
    printed: str = ""


def main() -> None:
    """Measure and write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("parts", nargs="*", metavar="PART", help=f"one of {', '.join(PARTS)} (default: all)")
    parser.add_argument("--python", action="append", default=[], help="an interpreter with torch (default: this one)")
    parser.add_argument("--cycles", type=int, default=500)
    parser.add_argument("--kills", type=int, default=300)
    arguments = parser.parse_args()
    if unknown := set(arguments.parts).difference(PARTS):
        parser.error(f"there is no part {', '.join(sorted(unknown))}: name {', '.join(PARTS)} or none for all")
    parts = arguments.parts or PARTS
    known: dict[str, Any] = json.loads(FIGURES.read_text()) if FIGURES.exists() else {"cycles": {}}
    failed = False
    contention = Contention()
    if "cycles" in parts:
        for python in arguments.python or [sys.executable]:
            result = cycle(python, arguments.cycles)
            known["cycles"][result.python] = row(result)
            print(row(result), *result.failures, flush=True)
            failed = failed or bool(result.failures) or not result.same
    if "kills" in parts:
        harmed = kill_injectors(arguments.kills)
        failed = failed or bool(harmed)
        known["kills"] = f"- {arguments.kills} injectors killed by SIGKILL at random moments: {harmed} targets harmed."
    if "outside" in parts:
        percents = [100 * (plain / watched - 1) for plain, watched in outside_view()]
        low, high = interval_95(percents, statistics.median, DRAWS)
        known["outside"] = (
            f"- Stacks from outside every {DUMP_INTERVAL_S:g} s: steps {statistics.median(percents):+.2f} % longer "
            f"(median of {ROUNDS} pairs in turn, {ROUND_S:g} s each; 95 %: {low:+.2f} to {high:+.2f})."
        )
    known["contention"] = contention.line()
    RESULTS.mkdir(exist_ok=True)
    FIGURES.write_text(json.dumps(known, indent=1) + "\n")
    lines = [
        "## Attach",
        "",
        *machine(),
        versions("torch"),
        f"{known['contention']} (For the parts measured last.)",
        "",
    ]
    lines += [
        "Attach, one profiled step with stacks, detach, over and over in one deterministic training process; then its",
        "weights are compared bit by bit with those of an untouched run.",
        "",
        f"| {' | '.join(COLUMNS)} |",
        "|---" * len(COLUMNS) + "|",
        *(known["cycles"][python] for python in sorted(known["cycles"], key=_version)),
        "",
        *(known[part] for part in ("kills", "outside") if part in known),
    ]
    write("attach", lines)
    if failed:
        sys.exit(1)


def _version(python: str) -> list[int]:
    """For "Python 3.11.7 torch 2.14.1": 3, 11, 7."""
    return [int(part) for part in python.split()[1].split(".")]


def row(result: Cycles) -> str:
    stopped = sorted(result.stopped_ms)
    resident = result.resident_mb
    percentile = stopped[int(len(stopped) * 0.99) - 1]
    cells = (
        result.python,
        str(result.done),
        str(len(result.failures)),
        f"{statistics.median(stopped):.2f} / {percentile:.2f} / {stopped[-1]:.2f}",
        f"{statistics.median(result.hello_s) * 1e3:.0f}",
        f"{resident[0]:.0f} / {resident[min(99, len(resident) - 1)]:.0f} / {resident[-1]:.0f}",
        "identical" if result.same else "DIFFERENT",
        result.printed or "nothing",
    )
    return f"| {' | '.join(cells)} |"


def wait_for(condition: Callable[[], bool], what: str) -> None:
    deadline_s = time.monotonic() + TIME_LIMIT_S
    while not condition():
        if time.monotonic() > deadline_s:
            raise TimeoutError(what)
        time.sleep(0.005)


@contextmanager
def held_target(python: str, steps: str = STEPS) -> Iterator[subprocess.Popen[str]]:
    """A deterministic training process that does not end until it is told to."""
    process = subprocess.Popen(
        [python, str(TARGET), steps, "1", "hold"],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert process.stdout is not None
    process.stdout.readline()
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def cycle(python: str, count: int) -> Cycles:
    """Attach, take a window, and detach, `count` times in one target."""
    plain = subprocess.run([python, str(TARGET), STEPS], capture_output=True, text=True, check=True)
    tell = "import sys, torch; print(sys.version.split()[0], 'torch', torch.__version__)"
    version = subprocess.run(
        [python, "-c", tell],
        capture_output=True, text=True, check=True,
    ).stdout.strip()  # fmt: skip
    result = Cycles(f"Python {version}")
    with held_target(python) as process, tempfile.TemporaryDirectory() as folder:
        for number in range(count):
            session = Path(folder) / str(number)
            session.mkdir()
            try:
                visit(process.pid, session, result)
            except TimeoutError as error:
                result.failures.append(str(error))
            result.resident_mb.append(resident_mb(process.pid))
        stdout, stderr = process.communicate("end\n", timeout=600)
        result.same = stdout == plain.stdout and process.returncode == 0
        result.printed = stderr.strip()[:200]
    return result


def bring_agent(pid: int, session: Path, overhead_percent: float) -> AttachedEvent:
    """Load the agent into a running process by the first method that works."""
    exchange = exchange_for(pid, session)
    exchange.carry()
    return AttachStrategy(
        AttachTarget(inspect_process(pid), exchange, overhead_percent, None), AttachContext.here()
    ).run()


def wait_for_event(pid: int, session: Path, kind: str) -> None:
    recording = session / agent_recording(pid)
    wait_for(lambda: f'"event":"{kind}"'.encode() in recording.read_bytes(), f"{kind} from {pid}")


def send_away(pid: int, session: Path) -> None:
    (session / control_file(pid)).write_bytes(encode(Command("detach")))
    wait_for_event(pid, session, "bye")


def visit(pid: int, session: Path, result: Cycles) -> None:
    began_s = time.monotonic()
    attached = bring_agent(pid, session, 100.0)
    if attached.way != "injection":
        raise TimeoutError(f"{attached.way}: {attached.reasons}")
    result.hello_s.append(time.monotonic() - began_s)
    result.stopped_ms.append(attached.stopped_ns / 1e6)
    wait_for_event(pid, session, "window")
    send_away(pid, session)
    events = [json.loads(line) for line in (session / agent_recording(pid)).read_bytes().splitlines()]
    errors = [event for event in events if event["event"] == "agent_error"]
    if errors:
        raise TimeoutError(str(errors))
    result.done += 1


def resident_mb(pid: int) -> float:
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * 4096 / 1e6


def kill_injectors(count: int) -> int:
    """Kill injectors at work; returns how many targets did not end as they should."""
    moments = random.Random(1)
    harmed = 0
    remaining = count
    with tempfile.TemporaryDirectory() as folder:
        while remaining:
            with held_target(sys.executable, KILLED_STEPS) as process:
                killed = min(remaining, 50)
                for _ in range(killed):
                    kill_one(process.pid, folder, moments.uniform(0.0, 0.02))
                remaining -= killed
                process.communicate("end\n", timeout=600)
                harmed += process.returncode != 0
    return harmed


def kill_one(pid: int, folder: str, after_s: float) -> None:
    """Kill an injector some time after it has loaded ctypes, so that most kills fall into the injection."""
    injector = start_helper("attach.injector", PENDING_CALL, str(pid), stderr=subprocess.DEVNULL)
    assert injector.stdin is not None
    with injector.stdin as pipe:
        pipe.write(start_text(folder, 2.0, None, ADDRESS.decode(), SIZE.decode()))
    deadline_s = time.monotonic() + 5
    while time.monotonic() < deadline_s and not Path(f"/proc/{injector.pid}/maps").read_text().count("_ctypes"):
        time.sleep(0.001)
    time.sleep(after_s)
    injector.send_signal(signal.SIGKILL)
    injector.wait()


def outside_view() -> list[tuple[float, float]]:
    """Steps per second without and with stacks taken from outside, in turn."""
    pairs: list[tuple[float, float]] = []
    process = subprocess.Popen([sys.executable, "-c", COUNTER], stdout=subprocess.PIPE, text=True, cwd=TARGET.parent)
    assert process.stdout is not None
    process.stdout.readline()
    try:
        for _ in range(ROUNDS):
            plain = rate(process)
            stop = threading.Event()
            looking = threading.Thread(target=look, args=(process.pid, stop))
            looking.start()
            pairs.append((plain, rate(process)))
            stop.set()
            looking.join()
    finally:
        process.kill()
        process.wait()
    return pairs


COUNTER = """
import time, torch
from attachable import simple
torch.set_num_threads(1)
step, count, next_s = simple(), 0, time.monotonic()
while True:
    step()
    count += 1
    if time.monotonic() >= next_s:
        next_s += 0.1
        print(time.monotonic(), count, flush=True)
"""


def rate(process: subprocess.Popen[str]) -> float:
    """Steps per second in the next round, by the target's own clock and count."""
    assert process.stdout is not None
    now_s, first_s = time.monotonic(), 0.0
    while first_s < now_s:  # skip what was printed before the round
        first_s, first = map(float, process.stdout.readline().split())
    last_s, last = first_s, first
    while last_s - first_s < ROUND_S:
        last_s, last = map(float, process.stdout.readline().split())
    return (last - first) / (last_s - first_s)


def look(pid: int, stop: threading.Event) -> None:
    while not stop.wait(DUMP_INTERVAL_S):
        dump_stacks([pid], time.time_ns())


if __name__ == "__main__":
    main()
