"""How much the runs of an experiment are expected to vary, learned from earlier experiments."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path

from profilednn_tui.collect.machine import own_hardware
from profilednn_tui.compare.comparison import Comparison
from profilednn_tui.experiment.plan import Experiment, load_experiment
from profilednn_tui.session.spread import Spread
from profilednn_tui.session.storage.spreads import IN_LOCKSTEP, IN_TURN, add_runs, expected_spread


def expected(home: Path, experiment: Experiment) -> Spread | None:
    """How much runs of this kind have varied on this machine; None if too few are known."""
    return expected_spread(home, own_hardware(), _kind(experiment))


def learn(folder: Path, comparisons: Sequence[Comparison]) -> None:
    """Save the spread of each variant's undisturbed runs; repeating a report counts no run twice."""
    machine, kind = own_hardware(), _kind(load_experiment(folder).experiment)
    sides = [(one.baseline, one.baseline_steps) for one in comparisons[:1]]  # the same one in all comparisons
    sides += [(one.candidate, one.candidate_steps) for one in comparisons]
    for side, runs in sides:
        if not side.disturbed:
            logarithms = [math.log(run.median_ns) for run in runs]
            add_runs(folder.parent, machine, kind, f"{folder.name}:{side.name}", logarithms, instead=True)


def _kind(experiment: Experiment) -> str:
    return IN_LOCKSTEP if experiment.lockstep else IN_TURN
