"""The host with 64 ranks, whose recordings are made from those of two real ones: memory, and key to repaint.

`python -m benchmarks.many_ranks` writes benchmarks/results/many_ranks.md.
"""

from __future__ import annotations

import json
import os
import random
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from benchmarks.conditions import Contention, machine, versions, write
from benchmarks.host import key_to_repaint_s
from benchmarks.terminal import Terminal
from profilednn_tui import units
from profilednn_tui.protocol.files import agent_recording, recording_pid

ROOT = Path(__file__).resolve().parents[1]
RANKS = 64
STEPS = 600
FIRST_PID = 5_000_000
LIMIT_BYTES, LIMIT_S = 300e6, 0.05
KEYS = "R" + "jjjjkkkk" * 8 + "><" * 4 + "s" * 4


def recorded(home: Path) -> Path:
    """The session of two ranks."""
    program = ROOT / "tests" / "targets" / "ranks.py"
    subprocess.run(
        [sys.executable, "-m", "profilednn_tui", "run", "--headless", str(program), "plain", "3", "backward",
         f"{STEPS}"],
        cwd=home,
        env={**os.environ, "PROFILEDNN_HOME": str(home), "PYTHONPATH": str(ROOT)},
        check=True,
        capture_output=True,
    )  # fmt: skip
    (folder,) = (path for path in home.iterdir() if path.is_dir())
    return folder


def multiply(folder: Path) -> None:
    """Replace the recordings of two ranks by those of many: half of each kind, with waits that differ."""
    originals = [path for path in folder.iterdir() if recording_pid(path.name)]
    trained = [path for path in originals if b'"communication"' in path.read_bytes()]
    texts = [path.read_text().splitlines() for path in trained]
    for path in originals:
        path.unlink()
    generator = random.Random(0)
    for rank in range(RANKS):
        lines = (_as_rank(json.loads(line), rank, generator) for line in texts[rank % len(texts)])
        path = folder / agent_recording(FIRST_PID + rank)
        path.write_text("".join(json.dumps(line) + "\n" for line in lines))
        path.chmod(0o600)


def _as_rank(event: dict[str, Any], rank: int, generator: random.Random) -> dict[str, Any]:
    kind = event.get("event")
    if kind == "hello":
        return {**event, "pid": FIRST_PID + rank, "rank": rank, "world_size": RANKS}
    if kind == "distributed":
        return {**event, "rank": rank, "world_size": RANKS}
    if kind == "group":
        return {**event, "ranks": list(range(RANKS))}
    if kind == "communication":
        return {**event, "waits": [_later(wait, generator) for wait in event["waits"]]}
    return event


def _later(wait: list[int], generator: random.Random) -> list[int]:
    *rest, began, ended = wait
    return [*rest, began + round(generator.random() * (ended - began) / 2), ended]


def lines(folder: Path, environment: dict[str, str]) -> Iterator[str]:
    """The table."""
    command = [sys.executable, "-m", "profilednn_tui", "open", str(folder)]
    terminal = Terminal(command, environment)
    terminal.drain_for(15)
    rss_bytes = terminal.rss_bytes()
    terminal.press("R")
    terminal.drain_for(3)
    rss_bytes = max(rss_bytes, terminal.rss_bytes())
    terminal.press("\x1b")
    terminal.drain_for(1)  # an escape and a letter at once would be one key
    terminal.press("q")
    terminal.close()
    keys = sorted(key_to_repaint_s(command, environment, KEYS, 15.0))
    recordings_bytes = sum(path.stat().st_size for path in folder.iterdir())
    yield "| figure | measured | limit |"
    yield "|---|---:|---:|"
    yield f"| recordings of {RANKS} ranks | {units.bytes_size(recordings_bytes)} | |"
    yield f"| memory of the host | {units.bytes_size(rss_bytes)} | {units.bytes_size(LIMIT_BYTES)} |"
    tail = keys[int(0.95 * len(keys))]
    yield (
        f"| key to repaint on the screen of ranks, median and 95th percentile of {len(keys)} | "
        f"{statistics.median(keys) * 1e3:.0f} and {tail * 1e3:.0f} ms | {LIMIT_S * 1e3:.0f} ms |"
    )


def main() -> None:
    """Measure everything and write the table."""
    contention = Contention()
    with tempfile.TemporaryDirectory() as name:
        home = Path(name)
        environment = {**os.environ, "PROFILEDNN_HOME": str(home), "KINETO_LOG_LEVEL": "99"}
        folder = recorded(home)
        multiply(folder)
        table = list(lines(folder, environment))
    head = ["## The host with many ranks", "", *machine(), versions("textual", "numpy")]
    write("many_ranks", [*head, contention.line(), "", *table])


if __name__ == "__main__":
    main()
