"""Groups of runs, one after the other, until they tell enough or time is up."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from profilednn_tui.clock import Clock
from profilednn_tui.experiment.plan import MOST_REPEATS, Experiment, RunEntry, RunState
from profilednn_tui.experiment.runner import Observer, Starter, run_experiment


@dataclass(frozen=True, slots=True)
class MadeGroups:
    """How the groups ended."""

    stopped_by: int | None = None
    """The signal that stopped them."""
    failed: RunEntry | None = None
    """A run of another variant than the baseline that failed."""


def run_groups(
    experiment: Experiment,
    folder: Path,
    until_s: float,
    enough: Callable[[], bool],
    observer: Observer,
    start: Starter,
    clock: Clock,
) -> MadeGroups:
    """Run groups until there are `enough`, or until another one would probably not end before `until_s` (monotonic).

    At least one group is run. `enough` is asked after each, when its runs are in the experiment's folder.
    """
    last_s = 0.0
    for groups in range(1, MOST_REPEATS + 1):
        if groups > 1 and clock.monotonic_s() + last_s > until_s:
            break
        begin_s = clock.monotonic_s()
        outcome = run_experiment(replace(experiment, repeat=groups), folder, observer, start)
        experiment = outcome.experiment
        if outcome.stopped_by is not None:
            return MadeGroups(stopped_by=outcome.stopped_by)
        failed = next((run for run in experiment.runs if run.state is RunState.FAILED), None)
        if failed is not None:
            return MadeGroups(failed=failed)
        last_s = clock.monotonic_s() - begin_s
        if enough():
            break
    return MadeGroups()
