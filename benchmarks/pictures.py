"""Flame graph, timeline and exports of large sessions: key to repaint, memory of the host, size of the files.

`python -m benchmarks.pictures` writes benchmarks/results/pictures.md.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path

from benchmarks.conditions import Contention, machine, versions, write
from benchmarks.host import repaint_times_s
from benchmarks.terminal import Terminal
from profilednn_tui import units
from profilednn_tui.flame.tree import Shape, flame_tree
from profilednn_tui.session.open_session import open_session

ROOT = Path(__file__).resolve().parents[1]
FUNCTIONS = 900
"""Each of them, the line that calls it and its operator are nodes of the flame graph."""
CALLS_PER_STEP = 64_000
STEPS_OF_CALLS = 250
SIZES = ((80, 24), (120, 40), (200, 60))
LIMIT_S, HOST_BYTES, EXPORT_BYTES = 0.05, 250e6, 200e6
SCREENS: Mapping[str, tuple[str, str]] = {
    "flame graph": ("f", "jjllllhhjjkk" * 5 + "m" * 2 + "<>" * 3 + "z"),
    "timeline": ("v", "llllhhjjkk" * 5 + "++--LLHH" * 3 + "z"),
}


def many_functions() -> str:
    """A program whose stacks have thousands of distinct nodes."""
    functions = "\n".join(f"def work_{number}(x):\n    return x.add({number})" for number in range(FUNCTIONS))
    calls = "\n".join(f"    x = work_{number}(x)" for number in range(FUNCTIONS))
    return (
        "import torch\ntorch.set_num_threads(1)\nweight = torch.nn.Parameter(torch.ones(64))\n"
        f"optimizer = torch.optim.SGD([weight], lr=0.01)\n{functions}\n\ndef forward(x):\n{calls}\n    return x\n\n"
        "for step in range(40):\n    optimizer.zero_grad()\n    forward(weight).mean().backward()\n"
        "    optimizer.step()\n"
    )


def many_calls() -> str:
    """A program with very many calls in each step."""
    return (
        "import torch\ntorch.set_num_threads(1)\nweight = torch.nn.Parameter(torch.ones(4))\nx = torch.ones(4)\n"
        f"optimizer = torch.optim.SGD([weight], lr=0.01)\nfor step in range({STEPS_OF_CALLS}):\n"
        f"    for _ in range({CALLS_PER_STEP}):\n        x.mul_(1)\n"
        "    optimizer.zero_grad()\n    (weight * x).sum().backward()\n    optimizer.step()\n"
    )


def recorded(text: str, home: Path, name: str) -> Path:
    """The snapshot of a program with as many windows as fit."""
    script, snapshot = home / f"{name}.py", home / f"{name}.pdnn"
    script.write_text(text)
    words = [sys.executable, "-m", "profilednn_tui", "run", "--headless", "--overhead", "60%", "-o", str(snapshot)]
    subprocess.run([*words, str(script)], cwd=home, env=environment(home), check=True, capture_output=True)
    return snapshot


def environment(home: Path) -> dict[str, str]:
    """For our command line."""
    return {**os.environ, "PROFILEDNN_HOME": str(home), "KINETO_LOG_LEVEL": "99", "PYTHONPATH": str(ROOT)}


def screens(snapshot: Path, home: Path) -> Iterator[str]:
    """Key to repaint and memory of each screen at each size."""
    with open_session(snapshot) as session:
        session.catch_up()
        view = session.view()
    nodes = 1 + sum(1 for _ in flame_tree(view.operators, view.primitives, Shape()).walk())
    yield f"- {nodes:,} nodes in the flame graph, {len(view.window_numbers)} windows.\n"
    yield "| screen | size | key to repaint, median | 95th percentile | limit | memory of the host | limit |"
    yield "|---|---|---:|---:|---:|---:|---:|"
    command = [sys.executable, "-m", "profilednn_tui", "open", str(snapshot)]
    for name, (key, keys) in SCREENS.items():
        for columns, rows in SIZES:
            terminal = Terminal(command, environment(home), columns, rows)
            terminal.drain_for(5)
            terminal.press(key)
            terminal.drain_for(3)
            taken = sorted(repaint_times_s(terminal, keys))
            rss_bytes = terminal.rss_bytes()
            terminal.press("q")
            terminal.close()
            tail = taken[int(0.95 * len(taken))]
            yield (
                f"| {name} | {columns}x{rows} | {statistics.median(taken) * 1e3:.0f} ms | {tail * 1e3:.0f} ms | "
                f"{LIMIT_S * 1e3:.0f} ms | {units.bytes_size(rss_bytes)} | {units.bytes_size(HOST_BYTES)} |"
            )


def exports(snapshot: Path, home: Path) -> Iterator[str]:
    """Time, memory and size of the exports of a session with a million calls."""
    with open_session(snapshot) as session:
        session.catch_up()
        calls = sum(len(trace.calls) for process in session.timelines() for trace in process.traces)
    yield f"\n- A session with {calls:,} calls:\n"
    yield "| export | memory | limit | size |"
    yield "|---|---:|---:|---:|"
    for name in ("chrome", "perfetto", "perfetto-zip", "html"):
        target = home / f"out.{name}"
        words = [sys.executable, "-m", "profilednn_tui", "export", str(snapshot), "--to", name, "-o", str(target)]
        peak_bytes = peak(words, environment(home))
        yield (
            f"| `{name}` | {units.bytes_size(peak_bytes)} | {units.bytes_size(EXPORT_BYTES)} | "
            f"{units.bytes_size(target.stat().st_size)} |"
        )


def peak(words: list[str], variables: dict[str, str]) -> int:
    """The largest resident memory of a command that must succeed."""
    process = subprocess.Popen(words, env=variables)
    _, status, used = os.wait4(process.pid, 0)
    if os.waitstatus_to_exitcode(status):
        sys.exit(f"{words[3:]} failed")
    return used.ru_maxrss * 1024


def main() -> None:
    """Measure everything and write the tables."""
    contention = Contention()
    with tempfile.TemporaryDirectory() as name:
        home = Path(name)
        table = list(screens(recorded(many_functions(), home, "functions"), home))
        table += exports(recorded(many_calls(), home, "calls"), home)
    head = ["## Pictures of large sessions", "", *machine(), versions("torch", "textual", "numpy")]
    write("pictures", [*head, contention.line(), "", *table])


if __name__ == "__main__":
    main()
