"""Makes the runs for the certificate: one per variant, short and not timed, whose learning is recorded."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Collection
from dataclasses import replace
from pathlib import Path

from profilednn_tui.experiment.background import run_in_background
from profilednn_tui.experiment.plan import Experiment, RunState
from profilednn_tui.experiment.runner import (
    ExperimentOutcome,
    Starter,
    read_ended,
    run_options,
    scratch_command,
    target_of,
)
from profilednn_tui.experiment.scratch import ScratchCopies
from profilednn_tui.experiment.variants import Variant
from profilednn_tui.launch.options import LaunchOptions

MOST_STEPS = 30
BLOCK = 0

Announce = Callable[[str], None]
"""Called with the name of each variant before its run."""


def make_certificate_runs(
    experiment: Experiment,
    folder: Path,
    announce: Announce,
    start: Starter = run_in_background,
    names: Collection[str] = (),
) -> ExperimentOutcome:
    """Make the missing runs of all variants, or of those that are named, one after the other; each is saved before the
    next begins.

    If the baseline's run fails, the others are left out: there would be nothing to compare them with.
    """
    folder = folder.absolute()
    with ScratchCopies(folder) as copies:
        for variant in experiment.uncertified():
            if names and variant.name not in names:
                continue
            announce(variant.name)
            command = (
                scratch_command(experiment, variant, copies, variant.name)
                if experiment.scratch
                else target_of(experiment, variant)
            )
            (ended,) = start([(command, _options(experiment, variant))], folder, lambda session, elapsed_s: None)
            copies.remove()
            if ended.stopped_by is not None:
                shutil.rmtree(ended.folder, ignore_errors=True)
                return ExperimentOutcome(experiment, ended.stopped_by)
            entry, _ = read_ended((variant, BLOCK), ended)
            if entry.state is RunState.DISTURBED:  # it is not timed
                entry = replace(entry, state=RunState.DONE, reason="")
            others = tuple(one for one in experiment.certificates if one.variant != variant.name)
            experiment = replace(experiment, certificates=(*others, entry))
            experiment.save(folder)
            if entry.state is RunState.FAILED and variant is experiment.variants[0]:
                break
    return ExperimentOutcome(experiment, None)


def _options(experiment: Experiment, variant: Variant) -> LaunchOptions:
    return replace(
        run_options(experiment, variant, BLOCK),
        overhead_percent=0.0,
        steps=min(experiment.steps, MOST_STEPS),
        certificate=True,
        name=f"{variant.name}-certificate",
    )
