"""How often a search picks the right one of twelve switches, on recorded noise of this machine.

`python -m benchmarks.tuning` records the steps of one real training, multiplies them by planted effects, and lets the
first stage of `tune` decide on them: one of twelve switches is 4 % faster, or none is.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator

import numpy as np

from benchmarks.conditions import Contention, machine, versions, write
from benchmarks.verdicts import BURNER, GRAIN, STEP_MS, calibrate
from profilednn_tui.compare.factorial import Block, Switch, best_setting, estimate, undecided
from profilednn_tui.compare.warmup import Floats
from profilednn_tui.tune.design import BLOCK_STEPS, designed, switches_on
from profilednn_tui.tune.factorial import FEWEST_BLOCKS, LOOK_ERROR, REPORTED_ERROR, WORTH

SWITCHES = tuple(Switch(f"switch-{number}", f"switch-{number}") for number in range(12))
STEPS, SIZE_MS = 16_000, 6.0
PLANTED = 0.96
PLANTED_SEARCHES, EQUAL_SEARCHES = 20, 40
LOOK_BLOCKS = 20
RUNS, RUN_STEPS = 8, 60
"""What an experiment makes of each variant."""
MOST_BLOCKS = 1_000


def recorded() -> Floats:
    """The step times of a training whose steps are all equal, in milliseconds; shape (steps,)."""
    units = max(GRAIN, GRAIN * round(calibrate() * SIZE_MS / STEP_MS / GRAIN))
    with tempfile.TemporaryDirectory() as home:
        words = [sys.executable, "-m", "profilednn_tui", "run", "--headless", "--overhead", "0", "--steps", str(STEPS)]
        words += ["-o", f"{home}/run.pdnn", str(BURNER)]
        environment = {**os.environ, "PROFILEDNN_HOME": home, "UNITS": str(units), "OMP_NUM_THREADS": "1"}
        environment["CORE"] = str(max(os.sched_getaffinity(0)))
        subprocess.run(words, env=environment, check=True, capture_output=True)
        export = [sys.executable, "-m", "profilednn_tui", "export", f"{home}/run.pdnn", "--to", "json", "-o", "-"]
        done = subprocess.run(export, capture_output=True, text=True, check=True)
    times: Floats = np.array(json.loads(done.stdout)["steps"]["durations_ms"][100:])
    return times


def searched(times: Floats, begin: int, better: str) -> tuple[tuple[str, ...], int]:
    """What a search chooses that begins at a step of the recording, and how many steps it takes."""
    plan = designed(SWITCHES, first_steps=0)
    blocks: list[Block] = []
    wrapped = np.roll(times, -begin)
    while len(blocks) < MOST_BLOCKS:
        for number in range(len(blocks), len(blocks) + LOOK_BLOCKS):
            on = switches_on(plan.setting(number), SWITCHES)
            factor = PLANTED if better in on else 1.0
            ms = factor * wrapped[number * BLOCK_STEPS : (number + 1) * BLOCK_STEPS]
            blocks.append(Block(on, tuple(map(int, 1e6 * ms)), float(number)))
        look = estimate(blocks, SWITCHES, LOOK_ERROR)
        if len(blocks) >= FEWEST_BLOCKS and look.effects and not undecided(look, WORTH):
            break
    sure = estimate(blocks, SWITCHES, REPORTED_ERROR / len(SWITCHES))
    return best_setting(sure), len(blocks) * BLOCK_STEPS


def lines(times: Floats) -> Iterator[str]:
    """The table."""
    generator = np.random.default_rng(0)
    planted = [
        (name, *searched(times, int(generator.integers(len(times))), name))
        for name in (SWITCHES[number % len(SWITCHES)].name for number in range(PLANTED_SEARCHES))
    ]
    equal = [searched(times, int(generator.integers(len(times))), "") for _ in range(EQUAL_SEARCHES)]
    whole = RUNS * RUN_STEPS * (len(SWITCHES) + 1)
    right = sum(chosen == (name,) for name, chosen, _ in planted)
    among = sum(name in chosen for name, chosen, _ in planted)
    nothing = sum(not chosen for chosen, _ in equal)
    yield "| twelve switches | searches | right | median steps | of eight runs each |\n|---|---:|---:|---:|---:|"
    for name, count, good, steps in (
        ("one is 4 % faster: it is chosen, alone", len(planted), right, [one[2] for one in planted]),
        ("one is 4 % faster: it is chosen", len(planted), among, [one[2] for one in planted]),
        ("all are equal: nothing is chosen", len(equal), nothing, [one[1] for one in equal]),
    ):
        middle = float(np.median(steps))
        yield f"| {name} | {count} | {good} | {middle:,.0f} | {100 * middle / whole:.0f} % |"
    spread = float(np.median(np.abs(np.log(times / np.median(times))))) * 148.26
    yield f"\n- Recorded steps: {len(times):,}, median {np.median(times):.2f} ms, spread {spread:.1f} % (robust)."


def main() -> None:
    """Record, search, write."""
    contention = Contention()
    times = recorded()
    head = ["## Searches for the fastest setting", "", *machine(), versions("torch", "scipy", "numpy"), ""]
    write("tuning", [*head, *lines(times), contention.line()])


if __name__ == "__main__":
    main()
