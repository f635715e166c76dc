"""Conducting an experiment: one run after the other, interleaved, until all are there or somebody says stop."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Protocol

from profilednn_tui.compare.runs import Run, read_run
from profilednn_tui.errors import ProfilerError
from profilednn_tui.experiment.background import EndedRun, run_in_background
from profilednn_tui.experiment.plan import Experiment, RunEntry, RunState
from profilednn_tui.experiment.variants import Variant
from profilednn_tui.launch.command import TargetCommand, any_command, module_command, script_command
from profilednn_tui.launch.options import LaunchOptions
from profilednn_tui.session.open_session import open_session

Starter = Callable[
    [Sequence[tuple[TargetCommand, LaunchOptions]], Path, Callable[[Path, float], None]], tuple[EndedRun, ...]
]
"""Runs targets to their ends; `run_in_background` by default."""

REPEATS = 1
"""How often a disturbed run is made again; a disturbance that stays is shown, not fought."""
EXTRA_SHARE = 0.5
"""Of the planned runs, that may be made on top of them because of disturbances."""
OUTPUT_TAIL_BYTES = 2000


@dataclass(frozen=True, slots=True)
class ExperimentProgress:
    """Where an experiment stands."""

    number: int
    """Of the current run, from 1."""
    total: int
    variant: str
    elapsed_s: float
    """Of the current run."""
    remaining_s: float | None
    """Of the experiment, from the runs so far; nothing before the first has ended."""


class Observer(Protocol):
    """Who is told how it goes."""

    def beat(self, progress: ExperimentProgress) -> None:
        """A second has passed."""

    def ended(self, progress: ExperimentProgress, entry: RunEntry, run: Run) -> None:
        """A run has ended."""


@dataclass(frozen=True, slots=True)
class ExperimentOutcome:
    """How far it went."""

    experiment: Experiment
    stopped_by: int | None
    """The signal that ended it early."""


def target_of(experiment: Experiment, variant: Variant) -> TargetCommand:
    """What to start for a variant; refuses what cannot be started."""
    python = variant.python or experiment.python
    first, *rest = experiment.words
    if experiment.kind == "command":
        return any_command(experiment.words)
    return (module_command if experiment.kind == "module" else script_command)(first, rest, python)


def run_experiment(
    experiment: Experiment,
    folder: Path,
    observer: Observer,
    start: Starter = run_in_background,
) -> ExperimentOutcome:
    """Make the runs that are missing; each is in the file before the next begins."""
    try:
        os.chdir(experiment.working_directory)
    except OSError as error:
        raise ProfilerError(
            f"The experiment's folder {experiment.working_directory} cannot be entered ({error.strerror}). Restore it."
        ) from None
    commands = {variant.name: target_of(experiment, variant) for variant in experiment.variants}
    given_up: set[str] = set()
    extra = int(EXTRA_SHARE * experiment.repeat * len(experiment.variants))
    for planned in experiment.next_groups():
        for attempt in range(1 + REPEATS):
            group = [(variant, block) for variant, block in planned if variant.name not in given_up]
            if not group:
                break
            progress = _progress(experiment, [variant for variant, _ in group])

            def on_beat(session: Path, elapsed_s: float, progress: ExperimentProgress = progress) -> None:
                observer.beat(replace(progress, elapsed_s=elapsed_s))

            targets = [(commands[variant.name], _options(experiment, variant, block)) for variant, block in group]
            ended = start(targets, folder, on_beat)
            if ended[0].stopped_by is not None:
                for one in ended:
                    shutil.rmtree(one.folder, ignore_errors=True)
                return ExperimentOutcome(experiment, ended[0].stopped_by)
            found = _disturbed_together([_read(*run) for run in zip(group, ended, strict=True)])
            for entry, run in found:
                experiment = experiment.with_run(entry)
                experiment.save(folder)
                observer.ended(replace(progress, variant=entry.variant, elapsed_s=entry.duration_s), entry, run)
                progress = replace(progress, number=progress.number + 1)
            for entry, _ in found:
                if entry.state is RunState.FAILED:
                    if entry.variant == experiment.variants[0].name:
                        raise ProfilerError(f"The baseline {entry.variant} failed: {entry.reason}")
                    given_up.add(entry.variant)
            disturbed = any(entry.state is RunState.DISTURBED for entry, _ in found)
            if not disturbed or attempt == REPEATS or extra < len(group):
                break
            extra -= len(group)
    return ExperimentOutcome(experiment, None)


def _options(experiment: Experiment, variant: Variant, block: int) -> LaunchOptions:
    return LaunchOptions(
        overhead_percent=experiment.overhead_percent,
        steps=experiment.steps,
        optimizations=variant.optimizations,
        environment={**experiment.environment, **variant.environment},
        seed=experiment.seed,
        name=f"{variant.name}-{block + 1}",
    )


def _progress(experiment: Experiment, variants: Sequence[Variant]) -> ExperimentProgress:
    pending = experiment.pending()
    durations = {
        one.name: [run.duration_s for run in experiment.runs_of(one.name) if run.state is not RunState.FAILED]
        for one in experiment.variants
    }
    every = [duration_s for runs in durations.values() for duration_s in runs]
    mean_s = sum(every) / len(every) if every else None
    remaining_s = None
    if mean_s is not None:
        means = {name: sum(runs) / len(runs) if runs else mean_s for name, runs in durations.items()}
        at_once = len(experiment.variants) if experiment.lockstep else 1
        remaining_s = sum(means[one.name] for one, _ in pending) / at_once
    total = experiment.repeat * len(experiment.variants)
    return ExperimentProgress(total - len(pending) + 1, total, " ".join(one.name for one in variants), 0.0, remaining_s)


def _read(planned: tuple[Variant, int], ended: EndedRun) -> tuple[RunEntry, Run]:
    session = open_session(ended.folder)
    try:
        run = read_run(session, ended.folder.name)
        state, reason = _judge(ended, run, session.output_tail(OUTPUT_TAIL_BYTES))
    finally:
        session.close()
    variant, block = planned
    return RunEntry(variant.name, block, ended.folder.name, state, reason, round(ended.duration_s, 3)), run


def _judge(ended: EndedRun, run: Run, output: bytes) -> tuple[RunState, str]:
    if ended.exit_code != 0:
        how = f"killed by signal {-ended.exit_code}" if ended.exit_code < 0 else f"exit code {ended.exit_code}"
        lines = output.decode("utf-8", "replace").strip().splitlines()
        return RunState.FAILED, f"{how}{f': {lines[-1]}' if lines else ''} (its output: {ended.folder / 'output.log'})"
    if not run.view.steps.count:
        return RunState.FAILED, "no training step was seen"
    if ended.turns == 0:
        return RunState.FAILED, "it did not stop between its steps: in lockstep, one process of a target has to train"
    if run.disturbance:
        return RunState.DISTURBED, run.disturbance
    return RunState.DONE, ""


def _disturbed_together(found: Sequence[tuple[RunEntry, Run]]) -> list[tuple[RunEntry, Run]]:
    """What disturbed one of the runs that took turns disturbed them all."""
    first = next((entry for entry, _ in found if entry.state is RunState.DISTURBED), None)
    if first is None:
        return list(found)
    return [
        (replace(entry, state=RunState.DISTURBED, reason=first.reason) if entry.state is RunState.DONE else entry, run)
        for entry, run in found
    ]
