"""A trial of a training: two short runs that tell what to expect of longer ones.

The first run is plain; the second has every optimization on that can be combined with the others. Both end after some
seconds, in scratch copies unless the user has said otherwise, and nothing of them is kept.
"""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from profilednn_tui import units
from profilednn_tui.compare.runs import read_run
from profilednn_tui.errors import ProfilerError
from profilednn_tui.experiment.background import run_in_background
from profilednn_tui.experiment.first_look import Look, look_at_baseline
from profilednn_tui.experiment.plan import Experiment
from profilednn_tui.experiment.runner import Starter, run_options, scratch_command, target_of, why_failed
from profilednn_tui.experiment.scratch import ScratchCopies
from profilednn_tui.launch.optimizations import OptimizationDescription
from profilednn_tui.protocol.events import Command
from profilednn_tui.protocol.vocabulary import CONFLICT, STOP_AFTER, UNAVAILABLE
from profilednn_tui.session.open_session import open_session
from profilednn_tui.session.view import Optimization

PLAIN, TRIED = VARIANTS = "training", "tried"
FEWEST_STEPS = 5
"""A run goes on until so many steps have ended: some optimizations observe the first ones."""
LONGEST_S = 300.0
"""A run that has not made its steps so long after its time tells nothing."""
TOO_SLOW = {"compile": "compiling takes longer than a trial: try it with --with compile"}
"""Optimizations that are left out, and why."""
MANY_STEPS = 1_000_000


@dataclass(frozen=True, slots=True)
class Trial:
    """What the two runs have shown."""

    plain: Look
    receipts: tuple[Optimization, ...]
    """Of the optimizations that were on together."""
    left_out: tuple[Optimization, ...]
    """Those that were not tried, with the reason."""
    failure: str = ""
    """Why the second run failed; empty if it did not."""


class TimeLimit:
    """Ends a run at the first step boundary after some seconds."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._asked = False

    def beat(self, session: Path, elapsed_s: float) -> None:
        """Called about once a second; raises a `ProfilerError` if the run takes far too long."""
        if elapsed_s > self._seconds + LONGEST_S:
            raise ProfilerError(
                f"The training has not made {FEWEST_STEPS} steps in {units.duration(LONGEST_S * 1e9)}. "
                "Give it less to do before its first steps, or smaller steps."
            )
        if self._asked or elapsed_s < self._seconds:
            return
        with open_session(session) as running:
            running.catch_up()
            if running.view().steps.count >= FEWEST_STEPS:
                self._asked = running.send(Command(STOP_AFTER, 1)) > 0


def try_out(
    experiment: Experiment,
    optimizations: Sequence[OptimizationDescription],
    folder: Path,
    seconds: float,
    start: Starter = run_in_background,
) -> Trial | int:
    """Run an experiment's training twice for some seconds each; returns the signal if one has stopped it.

    The experiment has the variants `VARIANTS`. Raises a `ProfilerError` if the plain run fails.
    """
    plain = look_at_baseline(experiment, folder, start, TimeLimit(seconds).beat)
    if isinstance(plain, int):
        return plain
    chosen, left_out = combined(optimizations)
    if not chosen:
        return Trial(plain, (), left_out)
    tried = replace(experiment.variants[1], optimizations=chosen)
    with ScratchCopies(folder) as copies:
        if experiment.scratch is False:
            command = target_of(experiment, tried)
        else:
            command = scratch_command(experiment, tried, copies, TRIED)
        (ended,) = start([(command, run_options(experiment, tried, 0))], folder, TimeLimit(seconds).beat)
        if ended.stopped_by is not None:
            return ended.stopped_by
        with open_session(ended.folder) as session:
            run = read_run(session, ended.folder.name)
            failure = why_failed(ended, run, session)
        shutil.rmtree(ended.folder, ignore_errors=True)
    return Trial(plain, run.view.optimizations, left_out, failure)


def combined(
    optimizations: Sequence[OptimizationDescription],
) -> tuple[tuple[str, ...], tuple[Optimization, ...]]:
    """The available optimizations that can be on together, each unless an earlier one is in its way; and the others."""
    chosen: dict[str, OptimizationDescription] = {}
    left_out = []
    for one in optimizations:
        clashes = [name for name, other in chosen.items() if name in one.conflicts or one.name in other.conflicts]
        if not one.available:
            left_out.append(Optimization(one.name, UNAVAILABLE, f"{one.reason}. Fix: {one.fix}"))
        elif one.name in TOO_SLOW:
            left_out.append(Optimization(one.name, "not tried", TOO_SLOW[one.name]))
        elif clashes:
            left_out.append(Optimization(one.name, CONFLICT, f"not tried together with {' and '.join(clashes)}"))
        else:
            chosen[one.name] = one
    return tuple(chosen), tuple(left_out)
