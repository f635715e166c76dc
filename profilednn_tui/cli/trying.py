"""``doctor SCRIPT``: what a trial of a training tells before any longer run."""

from __future__ import annotations

import re
import shutil
import sys
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from profilednn_tui import units
from profilednn_tui.cli.experimenting import DEFAULT_STEPS
from profilednn_tui.cli.findings import LIMITED, OK, Finding
from profilednn_tui.cli.front import warn_of_home
from profilednn_tui.cli.launching import target_command
from profilednn_tui.cli.words import Words
from profilednn_tui.errors import ProfilerError
from profilednn_tui.experiment.variants import Variant
from profilednn_tui.launch.headless import say
from profilednn_tui.protocol.vocabulary import NO_EFFECT, ON

if TYPE_CHECKING:
    from profilednn_tui.experiment.plan import Experiment
    from profilednn_tui.experiment.trial import Trial
    from profilednn_tui.session.view import Optimization, SessionView

LIMIT = 0.05
"""The difference that a verdict is asked for."""


def training_findings(
    words: Words, python: str | None, environment: dict[str, str], scratch: bool | None, seconds: float
) -> list[Finding]:
    """Try a training; raises a `ProfilerError` if it fails, and exits the program if a signal stops it."""
    from profilednn_tui.experiment.plan import Experiment
    from profilednn_tui.experiment.trial import MANY_STEPS, VARIANTS, try_out
    from profilednn_tui.launch.interpreter import find_interpreter
    from profilednn_tui.launch.optimizations import describe_optimizations
    from profilednn_tui.paths import new_session_folder

    command = target_command(words.kind, words.target, python)
    experiment = Experiment(
        name=f"doctor-{command.display_name}",
        words=words.target,
        kind=words.kind.value,
        working_directory=command.working_directory,
        variants=tuple(map(Variant, VARIANTS)),
        repeat=1,
        steps=MANY_STEPS,
        seed=0,
        start_unix_ns=time.time_ns(),
        python=command.python or None,
        environment=environment,
        lockstep=None,
        scratch=scratch,
    )
    warn_of_home()
    place = "in place" if scratch is False else f"in copies of {command.working_directory}"
    say(f"profilednn-tui: two trial runs of {command.display_name} {place}, {units.duration(seconds * 1e9)} each")
    optimizations = describe_optimizations(command.python or find_interpreter(None))
    folder = new_session_folder(experiment.name)
    try:
        found = try_out(experiment, optimizations, folder, seconds)
    except ProfilerError as error:
        raise ProfilerError(without_log(str(error), folder)) from None
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    if isinstance(found, int):
        say("profilednn-tui: stopped; nothing of the trial was kept")
        sys.exit(128 + found)
    found = replace(found, failure=without_log(found.failure, folder))
    return list(_findings(experiment, found, folder.parent))


def without_log(text: str, folder: Path) -> str:
    """The reason of a failure without the path of a log in `folder`, which is removed."""
    return re.sub(rf" \(its output: {re.escape(str(folder))}[^)]*\)", "", text)


def _findings(experiment: Experiment, trial: Trial, home: Path) -> Iterator[Finding]:
    yield from _training(trial.plain.view)
    yield from _optimizations(trial)
    yield from _effects(trial)
    yield _lockstep(trial, in_place=experiment.scratch is False)
    yield _verdict(experiment, trial, home)


def _training(view: SessionView) -> Iterator[Finding]:
    steps, memory = view.steps, view.memory
    median, p95 = units.duration(steps.median_ns), units.duration(steps.p95_ns)
    yield Finding("steps", OK, f"{steps.source_reason}; {units.count(steps.count)} seen, median {median}, p95 {p95}")
    phases = sorted(view.phases, key=lambda phase: -phase.share)
    shares = [f"{phase.name} {units.share(phase.share)}" for phase in phases if phase.share >= 0.005]
    yield Finding("phases", OK, ", ".join(shares) or "not known: too few steps")
    trains = sum(one.steps > 0 for one in view.processes)
    processes = [f"{units.count(trains)} {'trains' if trains == 1 else 'train'}"]
    roles = Counter(worker.role for worker in view.workers)
    processes += [f"{units.count(number)} {role}{'s' if number > 1 else ''}" for role, number in roles.items()]
    threads = view.target.intra_op_threads
    processes += [f"{units.count(threads)} intra-op threads"] if threads else []
    yield Finding("processes", OK, ", ".join(processes))
    peak, machine = memory.peak_rss_bytes, view.machine.memory_bytes
    yield Finding("memory", OK, f"peak {units.bytes_size(peak)} of {units.bytes_size(machine)}")
    if view.cores.contention:
        yield Finding("neighbours", LIMITED, view.cores.contention, "wait until the machine is quiet")


def _optimizations(trial: Trial) -> Iterator[Finding]:
    for receipt in trial.receipts:
        ran = receipt.state in (ON, NO_EFFECT) and not trial.failure
        yield Finding(receipt.name, OK if ran else LIMITED, _receipt(receipt, trial.failure))
    if trial.failure:
        yield Finding(
            "optimizations",
            LIMITED,
            f"with all of them together, the training fails: {trial.failure}",
            "try them one by one with --with NAME",
        )
    for one in trial.left_out:
        yield Finding(one.name, LIMITED, _receipt(one, ""))


def _receipt(receipt: Optimization, failure: str) -> str:
    if receipt.state not in (ON, NO_EFFECT):
        return f"{receipt.state}: {receipt.text}"
    outcome = "not known to be safe" if failure else "safe"
    effect = ", no effect " if receipt.state == NO_EFFECT else ": "  # whose text begins with "because"
    return f"{outcome}{effect}{receipt.text}"


def _effects(trial: Trial) -> Iterator[Finding]:
    from profilednn_tui.experiment.first_look import file_names

    look = trial.plain.first_look
    if not (look.files or look.elsewhere):
        yield Finding("writes", OK, "no files")
    if look.files:
        yield Finding("writes", LIMITED, f"in the working folder: {file_names(look.files)}", "experiment --scratch")
    if look.elsewhere:
        yield Finding(
            "writes", LIMITED, f"elsewhere: {file_names(look.elsewhere)}", "make the script write into its folder"
        )


def _lockstep(trial: Trial, in_place: bool) -> Finding:
    look = trial.plain.first_look
    if look.why_in_turn:
        return Finding("lockstep", LIMITED, f"not possible: {look.why_in_turn}; runs will be in turn")
    if look.elsewhere:
        return Finding("lockstep", LIMITED, "not possible: the runs write the same files; runs will be in turn")
    if look.files and in_place:
        return Finding("lockstep", LIMITED, "not possible in place: the runs write the same files", "--scratch")
    copies = ", in scratch copies" if look.files else ""
    return Finding("lockstep", OK, f"possible{copies}")


def _verdict(experiment: Experiment, trial: Trial, home: Path) -> Finding:
    """What an experiment with one variant would take."""
    from profilednn_tui.compare.intervals import FEWEST_GROUPS, runs_for
    from profilednn_tui.experiment.spread import expected
    from profilednn_tui.experiment.trial import FEWEST_STEPS
    from profilednn_tui.session.spread import WITHIN_EXPERIMENT

    plain = trial.plain
    if plain.view.steps.count < FEWEST_STEPS:
        steps = units.counted(plain.view.steps.count, "step")
        return Finding("verdict", LIMITED, f"the training ends by itself after {steps}: too few")
    step_s = (plain.view.steps.median_ns or 0.0) / 1e9
    run_s = max(0.0, plain.duration_s - sum(plain.view.steps.durations_ns) / 1e9) + DEFAULT_STEPS * step_s
    spread = expected(home, experiment) or WITHIN_EXPERIMENT
    runs = runs_for(LIMIT, spread)
    source = "assumed" if spread.assumed else "seen here"
    texts = [
        f"of {units.share(LIMIT)}: {units.counted(runs, 'run')} per side of {DEFAULT_STEPS} steps in turn, "
        f"{units.duration(2 * runs * run_s * 1e9)} (runs differ by {units.share(spread.deviation)}, {source})"
    ]
    if not plain.first_look.why_in_turn:
        group_s = run_s + DEFAULT_STEPS * step_s
        texts.append(
            f"{FEWEST_GROUPS} groups or more in lockstep, {units.duration(FEWEST_GROUPS * group_s * 1e9)} or more"
        )
    return Finding("verdict", OK, "; ".join(texts))
