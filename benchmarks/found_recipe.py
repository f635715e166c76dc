"""Whether a search of the demo finds what was put together by hand.

`python -m benchmarks.found_recipe [--minutes M]` searches the demo at the size of `benchmarks.optimizations` once, and
then runs its recipe in lockstep with the combinations made by hand. It goes on where the last call ended.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Iterator

from benchmarks.conditions import RESULTS, Contention, machine, versions, write
from benchmarks.optimizations import DEMO, TOGETHER
from benchmarks.trials import Row, Trials, step_time_text
from profilednn_tui.cli.launching import DEMO_SCRIPT

RECORD, RECIPE = RESULTS / "found_recipe.jsonl", RESULTS / "found_recipe.toml"
MINUTES = 20.0
GROUPS, STEPS = 6, 12
BY_HAND = {"by-hand": TOGETHER, "by-hand-float32": tuple(name for name in TOGETHER if name != "bf16")}
"""The combination of BENCHMARKS, and without what is slow on processors that only emulate bfloat16."""


def command(*words: str) -> Row:
    """The report of one command of ours, from JSON."""
    done = subprocess.run([sys.executable, "-m", "profilednn_tui", *words], capture_output=True, text=True, check=False)
    if not done.stdout:
        sys.exit(f"{words[0]}: exit code {done.returncode}\n{done.stderr[-2000:]}")
    found: Row = json.loads(done.stdout)
    return found


def make(case: str) -> Row:
    """The search, or its recipe against what was made by hand."""
    begin_s = time.monotonic()
    if case == "search":
        words = ("tune", "--minutes", f"{MINUTES:g}", "--to", "json", "--recipe", str(RECIPE), "--in-place")
        found = command(*words, str(DEMO_SCRIPT), *DEMO)
        found = {name: found[name] for name in ("winner", "verdict", "losses", "step_ms", "raced", "eliminated")}
    else:
        variants = [f"tuned=recipe:{RECIPE}", *(f"{name}={','.join(words)}" for name, words in BY_HAND.items())]
        options = ("--repeat", f"{GROUPS}", "--steps", f"{STEPS}", "--in-place", "--no-certificate", "--to", "json")
        chosen = (f"--variant={one}" for one in variants)
        found = command("experiment", *options, *chosen, str(DEMO_SCRIPT), *DEMO)
        found = {one["candidate"]["name"]: one["step_time"] for one in found["comparisons"]}
    return {"minutes": round((time.monotonic() - begin_s) / 60, 1), "machine": next(iter(machine())), "found": found}


def lines(rows: dict[str, Row]) -> Iterator[str]:
    """What was found, and each comparison."""
    found = rows["search"]["found"]
    winner, verdict = found["winner"], found["verdict"]
    if winner is None:
        yield f"- Nothing better than stock, after {rows['search']['minutes']} minutes."
        return
    settings = [*winner["optimizations"], *(f"{key}={value}" for key, value in winner["environment"].items())]
    yield f"- Found and proven in {rows['search']['minutes']} minutes: {', '.join(settings)}."
    step_time = step_time_text(verdict["step_time"])
    yield f"- Against stock: step time {step_time}, {verdict['verdict']}; {found['losses']}."
    if "against" not in rows:
        return
    yield "\n| made by hand | its step time against the recipe's |\n|---|---:|"
    for name, interval in rows["against"]["found"].items():
        yield f"| {', '.join(BY_HAND[name])} | {'not judged' if interval is None else step_time_text(interval)} |"


def main() -> None:
    """Make what is missing and write the section."""
    trials = Trials(RECORD)
    minutes = trials.minutes_asked_for(__doc__, 90.0)
    contention = Contention()
    trials.go_on(minutes, {"search": 1}, make)
    if any(row["found"]["winner"] for row in trials.rows("search")):
        trials.go_on(minutes, {"against": 1}, make)
    rows = {row["case"]: row for row in trials.rows()}
    head = ["## The recipe of the demo", "", *machine(), versions("torch", "torchvision")]
    note = f"- Demo {' '.join(DEMO)}: `tune --minutes {MINUTES:g}`, then {GROUPS} groups of {STEPS} steps in lockstep."
    write("found_recipe", [*head, note, *lines(rows), "", contention.line()])


if __name__ == "__main__":
    main()
