"""The cost of the host: first paint, key to repaint with 5,000 rows, CPU and memory during a live run.

`python -m benchmarks.host` writes benchmarks/results/host.md.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from benchmarks.conditions import Contention, machine, versions, write
from benchmarks.terminal import Terminal
from profilednn_tui.protocol.codec import encode
from profilednn_tui.protocol.events import (
    HelloEvent,
    StatusEvent,
    StepsEvent,
    StepSourceEvent,
    WindowEvent,
    current_header,
)
from profilednn_tui.session.storage.folder import SessionFile

OPERATORS = 5_000
PAINTS = 15
KEYS = "jjjjjkkk" * 25 + "G" + "k" * 40 + "g" + "><" * 10 + "s" * 6
LIVE_S = 20.0
EXAMPLES = Path(__file__).resolve().parent.parent / "profilednn_tui" / "examples"


def big_session(home: Path) -> Path:
    """A synthetic recording with one window of 5,000 operators, more than a short training run would have."""
    folder = home / "20260101-000000-big"
    folder.mkdir(parents=True, mode=0o700)
    now = time.time_ns()
    SessionFile(
        name="big",
        argv=["train.py"],
        working_directory="/",
        python=sys.executable,
        start_unix_ns=now,
        launcher_pid=os.getpid(),
    ).save(folder)
    strings = ["train.py", "main", "float32", "contiguous", *(f"aten::operator_{i}" for i in range(OPERATORS))]
    operators = [[4 + i, 4 + i, 2, 3] for i in range(OPERATORS)]
    rows = [[i, 0, -1, -1, 1, 1_000 * (OPERATORS - i), 1_000 * (OPERATORS - i), 0] for i in range(OPERATORS)]
    step_rows = [[now + i, 10_000_000, 0, 3_000_000, 0, 6_000_000, 1_000_000, 0, 1.0, 0] for i in range(100)]
    total_ns = sum(row[5] for row in rows)
    window = WindowEvent(
        1, 50, now, 9, 9, 9, 9, True, False, total_ns, strings, [[0, 1, 1]], [[-1, 0]], operators, [], rows
    )
    events = [
        current_header("agent", 1, now),
        HelloEvent(
            1, 0, 1, ["train.py"], "/", sys.executable, "3.11", "2.14", 4, 4, None, None, 2.0, [], "launch", now
        ),
        StepSourceEvent("optimizer", "", 1, now),
        StepsEvent(1, step_rows),
        window,
        StatusEvent(100, 1, 2.0, False, 10**9, 1, 1, 1, 0.5, 0, now),
    ]
    (folder / "agent-1.jsonl").write_bytes(b"".join(map(encode, events)))
    return folder


def first_paint_s(command: list[str], environment: dict[str, str]) -> float:
    """From the start of the process to the first frame that shows the header's text."""
    terminal = Terminal(command, environment)
    seen = b""
    while b"Operators" not in seen:
        more = terminal.read(5)
        if not more:
            raise TimeoutError(f"the TUI shows nothing: {seen.decode(errors='replace')[-500:]}")
        seen += more
    paint_s = time.monotonic() - terminal.start_s
    terminal.drain_for(1)
    terminal.press("q")
    terminal.close()
    return paint_s


def imports_s(environment: dict[str, str]) -> float:
    """The time that the machine takes right now for an interpreter that imports textual and numpy, and exits."""
    begin_s = time.monotonic()
    subprocess.run([sys.executable, "-c", "import textual.app, numpy"], env=environment, check=True)
    return time.monotonic() - begin_s


def key_to_repaint_s(
    command: list[str], environment: dict[str, str], keys: str = KEYS, loading_s: float = 3.0
) -> list[float]:
    """For each key, the time until the screen begins to change; keys that change nothing are omitted."""
    terminal = Terminal(command, environment)
    terminal.drain_for(loading_s)
    found = repaint_times_s(terminal, keys)
    terminal.press("q")
    terminal.close()
    return found


def repaint_times_s(terminal: Terminal, keys: str) -> list[float]:
    """The same in a terminal that is there."""
    found = []
    for key in keys:
        while terminal.read(0.02):
            pass
        begin = time.monotonic()
        terminal.press(key)
        if terminal.read(0.5):
            found.append(time.monotonic() - begin)
    return found


def live(environment: dict[str, str], case: list[str]) -> tuple[float, float]:
    """CPU usage in percent of one core and memory in bytes of the TUI during a live run."""
    command = [sys.executable, "-m", "profilednn_tui", str(EXAMPLES / case[0]), *case[1:]]
    terminal = Terminal(command, environment)
    terminal.drain_for(10)
    cpu_s, begin = terminal.cpu_s(), time.monotonic()
    terminal.drain_for(LIVE_S)
    percent = 100 * (terminal.cpu_s() - cpu_s) / (time.monotonic() - begin)
    rss_bytes = terminal.rss_bytes()
    terminal.press("\x03")
    terminal.drain_for(3)
    terminal.press("q")
    terminal.close()
    return percent, rss_bytes


def main() -> None:
    """Measure everything and write the table."""
    contention = Contention()
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        environment = {**os.environ, "PROFILEDNN_HOME": str(home), "KINETO_LOG_LEVEL": "99"}
        command = [sys.executable, "-m", "profilednn_tui", "open", str(big_session(home))]
        starts = [(first_paint_s(command, environment), imports_s(environment)) for _ in range(PAINTS + 1)][1:]
        paints, imports = zip(*starts, strict=True)
        keys = sorted(key_to_repaint_s(command, environment))
        retina = live(environment, ["train_retinanet.py", "--steps", "100000"])
        mlp = live(environment, ["train_mlp.py", "--steps", "100000000"])
    lines = [
        "## The host",
        "",
        *machine(),
        versions("textual", "rich"),
        "- In a terminal of 120 x 40; first paint with a warm file cache, from the start of the process.",
        "",
        "| figure | measured | limit |",
        "|---|---:|---:|",
        f"| first paint, median of {PAINTS} | {statistics.median(paints):.2f} s ({min(paints):.2f} to "
        f"{max(paints):.2f}) | 0.5 s |",
        f"| in turn with it: importing textual and numpy alone | {statistics.median(imports):.2f} s "
        f"({min(imports):.2f} to {max(imports):.2f}) | |",
        f"| key to repaint, {OPERATORS:,} operators, p95 of {len(keys)} | "
        f"{1e3 * keys[int(len(keys) * 0.95)]:.1f} ms (median {1e3 * statistics.median(keys):.1f}) | 50 ms |",
        f"| CPU while live, the demo | {retina[0]:.1f} % of a core | 3 % |",
        f"| CPU while live, MLP of about 1 ms per step | {mlp[0]:.1f} % of a core | 3 % |",
        f"| memory while live, the larger of the two | {max(retina[1], mlp[1]) / 1e6:.0f} MB | 200 MB |",
    ]
    write(
        "host",
        [
            *lines,
            "",
            contention.line(),
            "  The live training processes, which are not children of the benchmark, count as others here.",
        ],
    )


if __name__ == "__main__":
    main()
