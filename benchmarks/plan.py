"""How well `plan` predicts: a grid of 12 settings is measured, and six of them predict the other six.

`python -m benchmarks.plan [--minutes M]` continues where the last call ended. The six are chosen before anything is
measured: the smallest and the largest batch of each number of ranks and threads.
"""

from __future__ import annotations

import itertools
import json
import os
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from benchmarks.conditions import RESULTS, Contention, machine, versions, write
from benchmarks.safety.run import OWN_VARIABLES
from benchmarks.trials import Row, Trials
from profilednn_tui.plan.model import model_of
from profilednn_tui.plan.points import Point, Setting
from profilednn_tui.ranks.efficiency import Estimate

PROGRAM = Path(__file__).with_name("planned.py")
PAIRS = ((1, 1), (1, 2), (2, 1))
"""Ranks and threads."""
BATCHES = {"convolutions": (4, 8, 16, 32), "transformer": (4, 8, 16, 32)}
REPEAT, STEPS = 3, 40
MEDIAN_WANTED, WORST_WANTED, MEMORY_WANTED = 0.07, 0.15, 0.10


def tool(home: str, *words: str) -> dict[str, Any]:
    """What our command line prints as JSON, with sessions in `home`."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith(OWN_VARIABLES)}
    done = subprocess.run(
        [sys.executable, "-m", "profilednn_tui", *words],
        env={**clean, "PROFILEDNN_HOME": home},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        text=True,
        check=False,
    )
    if done.returncode:
        sys.exit(f"{words[0]} ended with exit code {done.returncode}.")
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def chosen(batches: tuple[int, ...]) -> list[Setting]:
    """The settings that predict the others."""
    return [Setting(*pair, batch) for pair in PAIRS for batch in (batches[0], batches[-1])]


def trial(model: str) -> Row:
    """Measure all settings, and have the chosen ones predict all."""
    batches = BATCHES[model]
    texts = ",".join(map(str, batches))
    launcher = [sys.executable, "-m", "torch.distributed.run", "--nproc-per-node", "1", str(PROGRAM)]
    with tempfile.TemporaryDirectory() as home:
        words = ("--grid", "ranks=1,2", "threads=1,2", f"batch={texts}", "--repeat", str(REPEAT), "--steps", str(STEPS))
        command = (*launcher, "--model", model, "--batch", "{batch}")
        tool(home, "experiment", *words, "--in-place", "--name", "grid", "--to", "json", "--", *command)
        whole = tool(home, "plan", "grid", "--json")
        cells = [f"grid:{one.name}" for one in chosen(batches)]
        values = ("--ranks", "1,2", "--threads", "1,2", "--batches", texts)
        predicted = tool(home, "plan", *cells, *values, "--json")
    measured = [one for one in whole["settings"] if one["known"] == "measured"]
    found = [one for one in predicted["settings"] if one["known"] == "predicted"]
    return {"measured": measured, "predicted": found, "notes": whole["notes"]}


def compared(row: Row) -> Iterator[tuple[dict[str, Any], dict[str, Any]]]:
    """Each predicted setting with what was measured."""
    measured = {one["name"]: one for one in row["measured"]}
    yield from ((one, measured[one["name"]]) for one in row["predicted"] if one["name"] in measured)


def error(one: dict[str, Any], measured: dict[str, Any], name: str) -> float:
    """Relative error of a prediction."""
    return float(one[name]["value"] / measured[name]["value"] - 1)


def lines(row: Row) -> Iterator[str]:
    """The table of one program, and whether what is wanted holds."""
    pairs = list(compared(row))
    yield "| setting | predicted samples/s | measured | error | interval | memory error |"
    yield "|---|---:|---:|---:|---:|---:|"
    held = 0
    for one, measured in pairs:
        speed, truth = one["samples_per_s"], measured["samples_per_s"]["value"]
        held += speed["low"] <= truth <= speed["high"]
        cells = [
            one["name"],
            f"{speed['value']:.1f}",
            f"{truth:.1f}",
            f"{100 * error(one, measured, 'samples_per_s'):+.1f} %",
        ]
        cells += [f"{speed['low']:.1f} to {speed['high']:.1f}"]
        cells += [f"{100 * error(one, measured, 'memory_per_rank_bytes'):+.2f} %"]
        yield f"| {' | '.join(cells)} |"
    errors = [abs(error(one, measured, "samples_per_s")) for one, measured in pairs]
    memory = [abs(error(one, measured, "memory_per_rank_bytes")) for one, measured in pairs]
    middle, worst = statistics.median(errors), max(errors)
    good = middle <= MEDIAN_WANTED and worst <= WORST_WANTED and max(memory) <= MEMORY_WANTED
    wanted = f"{100 * MEDIAN_WANTED:g}, {100 * WORST_WANTED:g} and {100 * MEMORY_WANTED:g} %"
    yield (
        f"\n- Six settings predict {len(pairs)}: median error {100 * middle:.1f} %, at worst {100 * worst:.1f} %, of "
        f"memory {100 * max(memory):.1f} %; {held} in their intervals. "
        f"Wanted are {wanted}: {'held' if good else 'missed'}."
    )
    yield from others(row)


def others(row: Row) -> Iterator[str]:
    """What other choices of six would have done, in words."""
    points = [point(one) for one in row["measured"]]
    by_pair = [[one for one in points if (one.setting.ranks, one.setting.threads) == pair] for pair in PAIRS]
    two_each = itertools.product(*(itertools.combinations(its, 2) for its in by_pair))
    middles, worsts = zip(*(errors_of([one for its in six for one in its], points) for six in two_each), strict=True)
    passed = sum(a <= MEDIAN_WANTED and b <= WORST_WANTED for a, b in zip(middles, worsts, strict=True))
    usual, most = (f"{100 * statistics.median(errors):.1f} %" for errors in (middles, worsts))
    yield (
        f"- Of all {len(middles)} choices of two batches for each number of ranks and threads, {passed} are within "
        f"what is wanted of throughput; usual median error {usual}, usual worst {most}."
    )


def point(one: dict[str, Any]) -> Point:
    """A measured setting."""
    setting = Setting(one["ranks"], one["threads"], one["batch"])
    return Point(setting, one["runs"], Estimate(one["step_ms"]["value"] * 1e6))


def errors_of(six: list[Point], points: Iterable[Point]) -> tuple[float, float]:
    """Median and largest relative error at the points that are not among the six."""
    model = model_of(six)
    rest = [one for one in points if one not in six]
    errors = [abs(one.step_ns.value / model.step.whole(one.setting) - 1) for one in rest]
    return statistics.median(errors), max(errors)


def main() -> None:
    """Make the missing grids and write the tables."""
    trials = Trials(RESULTS / "plan.jsonl")
    minutes = trials.minutes_asked_for(__doc__, 30.0)
    contention = Contention()
    trials.go_on(minutes, dict.fromkeys(BATCHES, 1), trial)
    head = ["## Plans", "", *machine(), versions("torch", "scipy", "numpy")]
    note = f"- DDP on one machine, {REPEAT} runs of {STEPS} steps for each of 12 settings (benchmarks/planned.py)."
    found = [*head, note, contention.line()]
    for row in trials.rows():
        found += ["", f"### {row['case'].capitalize()}", "", *lines(row)]
    write("plan", found)


if __name__ == "__main__":
    main()
