"""Conducts an experiment: makes its runs, with variants interleaved, until all are done or a signal stops it."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Protocol

from profilednn_tui.compare.runs import Run, read_run
from profilednn_tui.errors import ProfilerError
from profilednn_tui.experiment.background import EndedRun, run_in_background
from profilednn_tui.experiment.plan import Experiment, RunEntry, RunGroup, RunState
from profilednn_tui.experiment.scratch import ScratchCopies
from profilednn_tui.experiment.variants import Variant
from profilednn_tui.launch.command import Scratch, TargetCommand, any_command, module_command, script_command
from profilednn_tui.launch.options import LaunchOptions
from profilednn_tui.ranks.launchers import apart, filled
from profilednn_tui.session.ending import exit_words
from profilednn_tui.session.open_session import OpenSession, open_session
from profilednn_tui.session.storage.folder import OUTPUT_FILE

Starter = Callable[
    [Sequence[tuple[TargetCommand, LaunchOptions]], Path, Callable[[Path, float], None]], tuple[EndedRun, ...]
]
"""Runs targets to completion; `run_in_background` by default."""

Enough = Callable[[Experiment], bool]
"""Asked before each group of runs: whether those made so far will do."""

REPEATS = 1
"""How often a disturbed run is repeated; a persistent disturbance is reported, not fought."""
EXTRA_SHARE = 0.5
"""Upper limit of repeats due to disturbances, as a share of the planned runs."""
OUTPUT_TAIL_BYTES = 2000


@dataclass(frozen=True, slots=True)
class ExperimentProgress:
    """The progress of an experiment."""

    number: int
    """Number of the current run, from 1."""
    total: int
    variant: str
    elapsed_s: float
    """Duration of the current run so far."""
    remaining_s: float | None
    """Estimate for the whole experiment from the runs so far; None before the first has ended."""


class Observer(Protocol):
    """Receives the progress of an experiment."""

    def beat(self, progress: ExperimentProgress) -> None:
        """Called about once a second."""

    def ended(self, progress: ExperimentProgress, entry: RunEntry, run: Run) -> None:
        """Called when a run has ended."""


@dataclass(frozen=True, slots=True)
class ExperimentOutcome:
    """An experiment that has finished or was stopped."""

    experiment: Experiment
    stopped_by: int | None
    """The signal that stopped it early; None if it finished."""


def never_enough(experiment: Experiment) -> bool:
    """Make all runs."""
    return False


def target_of(experiment: Experiment, variant: Variant) -> TargetCommand:
    """The command to start for a variant; raises a `ProfilerError` if it cannot be started."""
    python = variant.python or experiment.python
    first, *rest = words = filled(experiment.words, variant.values)
    if experiment.kind == "command":
        return any_command(apart(words)[0], experiment.working_directory)
    command = module_command if experiment.kind == "module" else script_command
    return command(first, rest, python, experiment.working_directory)


def scratch_command(experiment: Experiment, variant: Variant, copies: ScratchCopies, name: str) -> TargetCommand:
    """The command to start for a variant in a new scratch copy of that name."""
    root = experiment.root or experiment.working_directory
    copy = copies.make(name, variant.folder or root)
    return target_of(experiment, variant).in_scratch(Scratch(root, str(copy)))


def run_experiment(
    experiment: Experiment,
    folder: Path,
    observer: Observer,
    start: Starter = run_in_background,
    enough: Enough = never_enough,
) -> ExperimentOutcome:
    """Make the missing runs, or as many as are enough; each is saved before the next begins."""
    return _Runner(experiment, folder.absolute(), observer, start, enough).run()


class _Runner:
    """Makes the groups of runs one after the other: starts an attempt, waits for it and records the result."""

    def __init__(
        self, experiment: Experiment, folder: Path, observer: Observer, start: Starter, enough: Enough
    ) -> None:
        _check_can_be_entered(experiment.working_directory)
        self._experiment = experiment
        self._folder = folder
        self._observer = observer
        self._start = start
        self._enough = enough
        for variant in experiment.variants:
            target_of(experiment, variant)  # raises for a target that cannot be started, before any run
        self._copies = ScratchCopies(self._folder)
        self._given_up: set[str] = set()
        """Variants that have failed."""
        self._extra_runs = int(EXTRA_SHARE * experiment.repeat * len(experiment.variants))
        """Remaining repeats due to disturbances."""

    def run(self) -> ExperimentOutcome:
        with self._copies:
            return self._run()

    def _run(self) -> ExperimentOutcome:
        for group in self._attempts():
            progress = _progress(self._experiment, [variant for variant, _ in group])
            ended = self._start(self._targets(group), self._folder, partial(self._beat, progress))
            self._copies.remove()
            if ended[0].stopped_by is not None:
                for one in ended:
                    shutil.rmtree(one.folder, ignore_errors=True)
                return ExperimentOutcome(self._experiment, ended[0].stopped_by)
            self._record(_disturbed_together([read_ended(*run) for run in zip(group, ended, strict=True)]), progress)
        return ExperimentOutcome(self._experiment, None)

    def _attempts(self) -> Iterator[RunGroup]:
        """The groups to start: the planned ones, each repeated if it was disturbed and extra runs remain."""
        for planned in self._experiment.next_groups():
            for repeats_left in range(REPEATS, -1, -1):
                group = tuple(run for run in planned if run[0].name not in self._given_up)
                if not group:
                    break
                if self._enough(self._experiment):
                    return
                yield group
                if not self._was_disturbed(group) or not repeats_left or self._extra_runs < len(group):
                    break
                self._extra_runs -= len(group)

    def _was_disturbed(self, group: RunGroup) -> bool:
        """Whether the group, which must be the one recorded last, was disturbed."""
        return any(entry.state is RunState.DISTURBED for entry in self._experiment.runs[-len(group) :])

    def _targets(self, group: RunGroup) -> list[tuple[TargetCommand, LaunchOptions]]:
        return [(self._command(variant), run_options(self._experiment, variant, block)) for variant, block in group]

    def _command(self, variant: Variant) -> TargetCommand:
        """The command of a run, in a fresh scratch copy if the experiment uses them."""
        if self._experiment.scratch:
            return scratch_command(self._experiment, variant, self._copies, variant.name)
        return target_of(self._experiment, variant)

    def _beat(self, progress: ExperimentProgress, session: Path, elapsed_s: float) -> None:
        self._observer.beat(replace(progress, elapsed_s=elapsed_s))

    def _record(self, outcomes: Sequence[tuple[RunEntry, Run]], progress: ExperimentProgress) -> None:
        """Save the results of a group; a variant that failed is dropped, and a failed baseline ends the experiment."""
        for number, (entry, run) in enumerate(outcomes, progress.number):
            self._experiment = self._experiment.with_run(entry)
            self._experiment.save(self._folder)
            so_far = replace(progress, number=number, variant=entry.variant, elapsed_s=entry.duration_s)
            self._observer.ended(so_far, entry, run)
        for entry, _ in outcomes:
            if entry.state is not RunState.FAILED:
                continue
            if entry.variant == self._experiment.variants[0].name:
                raise ProfilerError(f"The baseline {entry.variant} failed: {entry.reason}")
            self._given_up.add(entry.variant)


def _check_can_be_entered(folder: str) -> None:
    try:
        os.stat(folder)
        os.stat(os.path.join(folder, "."))  # needs the same permission as entering the folder
    except OSError as error:
        raise ProfilerError(
            f"The experiment's working directory {folder} cannot be entered ({error.strerror}). Restore it."
        ) from None


def run_options(experiment: Experiment, variant: Variant, block: int) -> LaunchOptions:
    """How a timed run of a variant is launched."""
    return LaunchOptions(
        overhead_percent=experiment.overhead_percent,
        steps=experiment.steps,
        optimizations=variant.optimizations,
        environment={**apart(experiment.words)[1], **experiment.environment, **variant.environment},
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
    number = total - max(len(pending), len(variants)) + 1  # the last group may be repeated, and then none is pending
    return ExperimentProgress(number, total, " ".join(one.name for one in variants), 0.0, remaining_s)


def read_ended(planned: tuple[Variant, int], ended: EndedRun) -> tuple[RunEntry, Run]:
    """Read and judge a run that has ended."""
    with open_session(ended.folder) as session:
        run = read_run(session, ended.folder.name)
        failure = why_failed(ended, run, session)
    if failure:
        state, reason = RunState.FAILED, failure
    else:
        state, reason = (RunState.DISTURBED, run.disturbance) if run.disturbance else (RunState.DONE, "")
    variant, block = planned
    return RunEntry(variant.name, block, ended.folder.name, state, reason, round(ended.duration_s, 3)), run


def why_failed(ended: EndedRun, run: Run, session: OpenSession) -> str:
    """Why a run is no sample; empty if it is one."""
    if ended.exit_code != 0:
        lines = session.output_tail(OUTPUT_TAIL_BYTES).decode("utf-8", "replace").strip().splitlines()
        last_words = f": {lines[-1]}" if lines else ""
        return f"{exit_words(ended.exit_code)}{last_words} (its output: {ended.folder / OUTPUT_FILE})"
    if not run.view.steps.count:
        return "no training step was seen"
    if ended.turns == 0:
        return "it never stopped between steps: in lockstep, one process of a target has to train"
    return ""


def _disturbed_together(found: Sequence[tuple[RunEntry, Run]]) -> list[tuple[RunEntry, Run]]:
    """Mark all runs of a group as disturbed if one was: they ran at the same time."""
    first = next((entry for entry, _ in found if entry.state is RunState.DISTURBED), None)
    if first is None:
        return list(found)
    return [
        (replace(entry, state=RunState.DISTURBED, reason=first.reason) if entry.state is RunState.DONE else entry, run)
        for entry, run in found
    ]
