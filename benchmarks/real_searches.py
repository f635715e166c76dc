"""Whole searches of `tune` on a real training in which it is known what each switch does.

`python -m benchmarks.real_searches [--minutes M]`: twelve optimizations of another package, of which one saves 4 % of a
step's work, or none does. It goes on where the last call ended.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from benchmarks.conditions import RESULTS, Contention, machine, versions, write
from benchmarks.trials import Row, Trials, step_time_text

SWITCHES = tuple(f"planted_{number}" for number in range(1, 13))
PARTS = 25
"""Equal parts of a step; the planted optimization saves one of them."""
EACH = 3
CASES = ("one 4 % faster", "all equal")
MINUTES = 1.5
RECORD = RESULTS / "real_searches.jsonl"

TRAINING = f"""
import planted
import torch

torch.manual_seed(0)
torch.set_num_threads(1)
net = torch.nn.Linear(64, 8)
optimizer = torch.optim.SGD(net.parameters(), lr=0.01)
inputs, matrix = torch.randn(32, 64), torch.randn(160, 160)
for _ in range(100_000):
    for _ in range({PARTS} - planted.saved):
        torch.mm(matrix, matrix)
    optimizer.zero_grad()
    net(inputs).square().mean().backward()
    optimizer.step()
"""
PACKAGE = """
saved = 0


class Theirs:
    description = "planted by a benchmark"
    live = True
    saves = 0
    steps = 0

    def begin_training(self):
        self.switch_on()

    def before_update(self, optimizer):
        self.steps += 1

    def switch_on(self):
        global saved
        saved += self.saves

    def switch_off(self):
        global saved
        saved -= self.saves

    def revert(self):
        self.switch_off()

    def receipt(self, steps):
        return f"{self.steps} updates"
"""


def offer(folder: Path, better: str) -> None:
    """Write the package of the switches into a folder to be imported from."""
    kinds = [f"class {name}(Theirs):\n    saves = {int(name == better)}\n" for name in SWITCHES]
    (folder / "planted.py").write_text("\n\n".join((PACKAGE, *kinds)))
    information = folder / "planted-1.0.dist-info"
    information.mkdir()
    (information / "METADATA").write_text("Metadata-Version: 2.1\nName: planted\nVersion: 1.0\n")
    entries = "\n".join(f"{name} = planted:{name}" for name in SWITCHES)
    (information / "entry_points.txt").write_text(f"[profilednn.optimizations]\n{entries}\n")


def search(case: str) -> Row:
    """One search; which switch was planted, and what was found."""
    done = Trials(RECORD).rows(case)
    better = SWITCHES[(5 * len(done) + 2) % len(SWITCHES)] if case == CASES[0] else ""
    with tempfile.TemporaryDirectory() as name:
        place = Path(name)
        offer(place, better)
        (place / "train.py").write_text(TRAINING)
        words = [sys.executable, "-m", "profilednn_tui", "tune", "--minutes", f"{MINUTES:g}", "--to", "json"]
        words += ["--over", ",".join(SWITCHES), "--in-place", "--recipe", f"{name}/recipe.toml", "train.py"]
        paths = os.pathsep.join((name, os.environ.get("PYTHONPATH", "")))
        environment = {**os.environ, "PYTHONPATH": paths, "PROFILEDNN_HOME": f"{name}/home"}
        begin_s = time.monotonic()
        found = subprocess.run(words, cwd=place, env=environment, capture_output=True, text=True, check=False)
        if found.returncode:
            sys.exit(f"exit code {found.returncode}\n{found.stderr[-2000:]}")
    report = json.loads(found.stdout)
    verdict = report["verdict"]
    return {
        "planted": better,
        "winner": report["winner"] and report["winner"]["optimizations"],
        "verdict": verdict and verdict["verdict"],
        "step_time": verdict and verdict["step_time"],
        "effects": {one["name"]: [one["ratio"], one["low"], one["high"]] for one in report["factors"]},
        "step_ms": report["step_ms"],
        "minutes": round((time.monotonic() - begin_s) / 60, 1),
    }


def is_right(row: Row) -> bool:
    """Whether the search found what was planted, or nothing where nothing was."""
    return row["winner"] == [row["planted"]] if row["planted"] else row["winner"] is None


def lines(rows: list[Row]) -> Iterator[str]:
    """The table."""
    yield "| planted | found | verdict of the shootout | step time | step ms | minutes |\n|---|---|---|---:|---:|---:|"
    for row in rows:
        change = "" if row["step_time"] is None else step_time_text(row["step_time"])
        found = ", ".join(row["winner"] or ()) or "nothing better"
        cells = (row["planted"] or "nothing", found, row["verdict"] or "", change)
        yield f"| {' | '.join(cells)} | {row['step_ms']:.1f} | {row['minutes']} |"
    yield f"\n- Right: {sum(map(is_right, rows))} of {len(rows)}."


def main() -> None:
    """Make what is missing and write the table."""
    trials = Trials(RECORD)
    minutes = trials.minutes_asked_for(__doc__, 30.0)
    contention = Contention()
    trials.go_on(minutes, dict.fromkeys(CASES, EACH), search)
    head = ["## Whole searches with a known result", "", *machine(), versions("torch")]
    note = f"- Twelve switches of which one saves 4 % of the step, or none does; `tune --minutes {MINUTES:g}`."
    write("real_searches", [*head, note, contention.line(), "", *lines(trials.rows())])


if __name__ == "__main__":
    main()
