"""How well `plan` predicts: 12 settings of a training are measured, and six of them predict the other six.

`python -m benchmarks.plan [--minutes M]` continues where the last call ended. The six are chosen before anything is
measured: the smallest and the largest batch of each number of ranks and threads. A run that other processes disturb is
made again.
"""

from __future__ import annotations

import itertools
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from benchmarks.conditions import RESULTS, Contention, machine, versions, write
from benchmarks.safety.run import clean_environment
from benchmarks.trials import Row, Trials
from profilednn_tui.errors import ProfilerError
from profilednn_tui.experiment.points import read_points
from profilednn_tui.paths import SESSION_FILE
from profilednn_tui.plan.model import Model, model_of
from profilednn_tui.plan.points import Observation, Point, Setting, points_of

PROGRAM = Path(__file__).with_name("planned.py")
MODELS = ("convolutions", "transformer")
BATCHES = (4, 8, 16, 32)
PAIRS = ((1, 1), (1, 2), (2, 1))
"""Ranks and threads."""
SETTINGS = tuple(Setting(*pair, batch) for pair in PAIRS for batch in BATCHES)
CHOSEN = tuple(one for one in SETTINGS if one.batch in (BATCHES[0], BATCHES[-1]))
REPEAT, STEPS = 3, 40
MEDIAN_WANTED, WORST_WANTED, MEMORY_WANTED = 0.07, 0.15, 0.10
ATTEMPTS = 40
"""Until a run is not disturbed."""
QUIET_CORES, QUIET_S = 0.15, 3.0
"""What others may use for so long before a run."""


def trial(model: str, setting: Setting) -> Row:
    """One undisturbed run, as `plan` reads it."""
    launcher = [sys.executable, "-m", "torch.distributed.run", "--nproc-per-node", str(setting.ranks), str(PROGRAM)]
    words = [sys.executable, "-m", "profilednn_tui", "run", "--headless", "--steps", str(STEPS), "--overhead", "0"]
    words += ["--env", f"OMP_NUM_THREADS={setting.threads}", "--name", setting.name, "--", *launcher]
    for _ in range(ATTEMPTS):
        await_quiet()
        with tempfile.TemporaryDirectory() as home:
            done = subprocess.run(
                [*words, "--model", model, "--batch", str(setting.batch)],
                env=clean_environment(PROFILEDNN_HOME=home),
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
                check=False,
            )
            if done.returncode:
                sys.exit(f"{model} {setting.name} ended with exit code {done.returncode}:\n{done.stderr[-2000:]}")
            (session,) = Path(home).glob(f"*/{SESSION_FILE}")
            try:
                (found,) = read_points([str(session.parent)]).points
            except ProfilerError as error:
                print(f"{model} {setting.name}: {error}", flush=True)
                continue
        assert found.setting == setting, found.setting
        assert found.peak_bytes is not None
        return {"step_ms": found.step_ns.value / 1e6, "peak_bytes": found.peak_bytes.value}
    sys.exit(f"{ATTEMPTS} runs were disturbed. Wait until the machine is quiet.")


def await_quiet() -> None:
    """Wait until other processes leave the cores alone."""
    busy = True
    while busy:
        contention = Contention()
        time.sleep(QUIET_S)
        busy = contention.others() > QUIET_CORES


def measured(trials: Trials, model: str) -> tuple[Point, ...]:
    """What all runs of a program say."""
    return points_of(
        Observation(setting, 1e6 * row["step_ms"], round(row["peak_bytes"]))
        for setting in SETTINGS
        for row in trials.rows(f"{model} {setting.name}")
    )


def lines(points: Sequence[Point]) -> Iterator[str]:
    """The table of one program, and whether what is wanted holds."""
    model, rest = model_of([one for one in points if one.setting in CHOSEN]), others(points)
    yield "| setting | predicted samples/s | measured | error | interval | memory error |"
    yield "|---|---:|---:|---:|---:|---:|"
    held, errors, memory = 0, [], []
    for one in rest:
        outlook, samples = model.look(one.setting), 1e9 * one.setting.global_batch
        assert outlook.step_ns is not None
        assert outlook.peak_bytes is not None
        assert one.peak_bytes is not None
        speed, truth = outlook.step_ns.dividing(samples), samples / one.step_ns.value
        errors.append(speed.value / truth - 1)
        memory.append(outlook.peak_bytes.value / one.peak_bytes.value - 1)
        held += (speed.low or truth) <= truth <= (speed.high or truth)
        cells = [one.setting.name, f"{speed.value:.1f}", f"{truth:.1f}", f"{100 * errors[-1]:+.1f} %"]
        cells += [f"{speed.low:.1f} to {speed.high:.1f}", f"{100 * memory[-1]:+.2f} %"]
        yield f"| {' | '.join(cells)} |"
    middle, worst, most = statistics.median(map(abs, errors)), max(map(abs, errors)), max(map(abs, memory))
    good = middle <= MEDIAN_WANTED and worst <= WORST_WANTED and most <= MEMORY_WANTED
    wanted = f"{100 * MEDIAN_WANTED:g}, {100 * WORST_WANTED:g} and {100 * MEMORY_WANTED:g} %"
    yield (
        f"\n- Six settings predict {len(rest)}: median error {100 * middle:.1f} %, at worst {100 * worst:.1f} %, of "
        f"memory {100 * most:.1f} %; {held} in their intervals. Wanted are {wanted}: {'held' if good else 'missed'}."
    )
    yield choices(points)


def others(points: Iterable[Point]) -> list[Point]:
    """Those that are predicted."""
    return [one for one in points if one.setting not in CHOSEN]


def choices(points: Sequence[Point]) -> str:
    """What other choices of six would have done, in words."""
    by_pair = [[one for one in points if (one.setting.ranks, one.setting.threads) == pair] for pair in PAIRS]
    two_each = itertools.product(*(itertools.combinations(its, 2) for its in by_pair))
    found = [errors_of(model_of([one for its in six for one in its]), points) for six in two_each]
    passed = sum(middle <= MEDIAN_WANTED and worst <= WORST_WANTED for middle, worst in found)
    usual, most = (f"{100 * statistics.median(errors):.1f} %" for errors in zip(*found, strict=True))
    return (
        f"- Of all {len(found)} choices of two batches for each number of ranks and threads, {passed} are within what "
        f"is wanted of throughput; usual median error {usual}, usual worst {most}."
    )


def errors_of(model: Model, points: Iterable[Point]) -> tuple[float, float]:
    """Median and largest relative error at the points that the model does not know."""
    rest = [one for one in points if one not in model.points]
    errors = [abs(one.step_ns.value / model.step.whole(one.setting) - 1) for one in rest]
    return statistics.median(errors), max(errors)


def main() -> None:
    """Make the missing runs and write the tables."""
    trials = Trials(RESULTS / "plan.jsonl")
    minutes = trials.minutes_asked_for(__doc__, 30.0)
    contention = Contention()
    cases = {f"{model} {one.name}": (model, one) for model in MODELS for one in SETTINGS}
    trials.go_on(minutes, dict.fromkeys(cases, REPEAT), lambda case: trial(*cases[case]))
    found = ["## Plans", "", *machine(), versions("torch", "scipy", "numpy")]
    found += [
        f"- DDP with gloo on one machine (benchmarks/planned.py), up to {REPEAT} runs of {STEPS} steps per setting."
    ]
    found += ["- Runs beside which others used 15 % of the cores or more were made again.", contention.line()]
    for model in MODELS:
        points = measured(trials, model)
        if len(points) == len(SETTINGS):
            runs = sum(one.runs for one in points)
            found += ["", f"### {model.capitalize()}, {runs} runs", "", *lines(points)]
    write("plan", found)


if __name__ == "__main__":
    main()
