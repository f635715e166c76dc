"""What an experiment may expect its runs to differ by, and what it teaches later ones."""

from __future__ import annotations

import math
import os
from collections.abc import Sequence
from pathlib import Path

from profilednn_tui.collect.machine import describe, hardware
from profilednn_tui.compare.comparison import Comparison
from profilednn_tui.experiment.plan import Experiment, load_experiment
from profilednn_tui.session.spread import Spread
from profilednn_tui.session.storage.spreads import IN_LOCKSTEP, IN_TURN, add_runs, expected_spread


def expected(home: Path, experiment: Experiment) -> Spread | None:
    """What runs of this kind have differed by on this machine; None while too few are known."""
    return expected_spread(home, _hardware(), _kind(experiment))


def learn(folder: Path, comparisons: Sequence[Comparison]) -> None:
    """Keep what the undisturbed runs of each variant differed by; a report that is made again counts no run twice."""
    kind = _kind(load_experiment(folder).experiment)
    for one in comparisons:
        for side, runs in ((one.baseline, one.baseline_steps), (one.candidate, one.candidate_steps)):
            if not side.disturbed:
                logarithms = [math.log(run.median_ns) for run in runs]
                add_runs(folder.parent, _hardware(), kind, f"{folder.name}:{side.name}", logarithms, instead=True)


def _kind(experiment: Experiment) -> str:
    return IN_LOCKSTEP if experiment.lockstep else IN_TURN


def _hardware() -> str:
    return hardware(describe(os.getpid(), 0))
