"""What `tune` wins on ten trainings: its recipe against stock, with the verdict of the shootout.

`python -m benchmarks.gains [--minutes M]` searches one program after the other, each as a user would, and goes on where
the last call ended.
"""

from __future__ import annotations

import json
import math
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from benchmarks.conditions import RESULTS, Contention, machine, versions, write
from benchmarks.trials import Row, Trials

FOLDER = Path(__file__).parent / "programs"
MINUTES = 6.0
"""For finding the candidates; the proof comes on top."""


def search(program: str) -> Row:
    """One search; its report, cut down."""
    with tempfile.TemporaryDirectory() as place:
        words = [sys.executable, "-m", "profilednn_tui", "tune", "--minutes", f"{MINUTES:g}", "--to", "json"]
        words += ["--recipe", f"{place}/recipe.toml", str(FOLDER / f"{program}.py")]
        begin_s = time.monotonic()
        done = subprocess.run(words, capture_output=True, text=True, check=False)
        if done.returncode:
            sys.exit(f"{program}: exit code {done.returncode}\n{done.stderr[-2000:]}")
    found = json.loads(done.stdout)
    verdict = found["verdict"]
    return {
        "minutes": round((time.monotonic() - begin_s) / 60, 1),
        "winner": found["winner"],
        "verdict": None if verdict is None else verdict["verdict"],
        "step_ms": found["step_ms"],
        "step_time": None if verdict is None else verdict["step_time"],
        "losses": found["losses"],
        "certificate": None if verdict is None else verdict["certificate"],
        "factors": found["factors"],
        "pairs": found["pairs"],
        "machine": next(iter(machine())),
        "eliminated": found["eliminated"],
    }


def main() -> None:
    """Go on with the searches and write the table."""
    trials = Trials(RESULTS / "gains.jsonl")
    minutes = trials.minutes_asked_for(__doc__, 120.0)
    programs = sorted(path.stem for path in FOLDER.glob("*.py"))
    contention = Contention()
    trials.go_on(minutes, dict.fromkeys(programs, 1), search)
    rows = {row["case"]: row for row in trials.rows()}
    lines = [
        "## Gains of `tune`",
        "",
        *dict.fromkeys(row["machine"] for row in rows.values()),
        versions("torch", "torchvision", "transformers"),
        f"- `tune --minutes {MINUTES:g}`, one search per program of benchmarks/programs; speeds are of the shootout.",
        "",
        "| program | recipe | as fast as stock | verdict | training | step ms | minutes |",
        "|---|---|---:|---|---|---:|---:|",
        *(_line(name, rows[name]) for name in programs if name in rows),
        "",
    ]
    speeds = [_speed(rows[name]) for name in programs if name in rows]
    if speeds:
        mean = math.exp(sum(map(math.log, speeds)) / len(speeds))
        slower = sum(row["verdict"] == "slower" and row["winner"] is not None for row in rows.values())
        lines.append(f"- Geometric mean over {len(speeds)} of {len(programs)} programs: {mean:.2f}x; slower: {slower}.")
    write("gains", [*lines, contention.line()])


def _speed(row: Row) -> float:
    """As fast as stock; 1 if nothing was better."""
    return 1 / row["step_time"]["ratio"] if row["winner"] is not None else 1.0


def _line(name: str, row: Row) -> str:
    winner, interval = row["winner"], row["step_time"]
    settings: list[str] = []
    speed = "1"
    if winner is not None:
        settings = [*winner["optimizations"], *(f"{key}={value}" for key, value in winner["environment"].items())]
        low, high = (1 / (1 + interval[f"{end}_percent"] / 100) for end in ("high", "low"))
        speed = f"{_speed(row):.2f} ({low:.2f} to {high:.2f})"
    cells = (
        name,
        ", ".join(settings) or "stock",
        speed,
        row["verdict"] or "",
        row["losses"],
        f"{row['step_ms']:.1f}",
        f"{row['minutes']}",
    )
    return f"| {' | '.join(cells)} |"


if __name__ == "__main__":
    main()
