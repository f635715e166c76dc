"""A gate: runs two revisions in groups until it is decided whether the newer one is slower, or time is up."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from profilednn_tui import units
from profilednn_tui.clock import SYSTEM_CLOCK, Clock
from profilednn_tui.compare.comparison import compare
from profilednn_tui.compare.gate import Answer, Decision, decide, log_ratios, look_number
from profilednn_tui.compare.runs import Run
from profilednn_tui.compare.samples import fair_steps
from profilednn_tui.compare.verdict import Outcome
from profilednn_tui.experiment.background import run_in_background
from profilednn_tui.experiment.groups import run_groups
from profilednn_tui.experiment.plan import Experiment, Recorded, RunState, load_experiment
from profilednn_tui.experiment.runner import Observer, Starter
from profilednn_tui.experiment.sides import undisturbed_groups, variant_side
from profilednn_tui.session.frames import is_users

BASELINE, CANDIDATE = VARIANTS = "baseline", "candidate"
ACROSS = ("script", "arguments")
"""What may differ between two revisions."""


@dataclass(frozen=True, slots=True)
class GateOutcome:
    """A gate that has been decided, has run out of time, or was stopped."""

    decision: Decision
    stopped_by: int | None = None
    """The signal that stopped it."""


def run_gate(
    experiment: Experiment,
    folder: Path,
    limit: float,
    until_s: float,
    observer: Observer,
    start: Starter = run_in_background,
    clock: Clock = SYSTEM_CLOCK,
) -> GateOutcome:
    """Run groups until decided, or until another one would probably not end before `until_s` (monotonic).

    At least one group is run. A decision is made only at the looks of `compare.gate`; the last one is always a look.
    """

    def decided() -> bool:
        decision = judge_groups(folder, limit, last=False)
        return decision.answer is not Answer.UNDECIDED or bool(decision.reason)

    made = run_groups(experiment, folder, until_s, decided, observer, start, clock)
    if made.stopped_by is not None:
        return GateOutcome(Decision(Answer.UNDECIDED, 0), made.stopped_by)
    if made.failed is not None:
        reason = f"the {made.failed.variant} failed: {made.failed.reason}"
        return GateOutcome(Decision(Answer.UNDECIDED, 0, reason=reason))
    return GateOutcome(judge_groups(folder, limit, last=True))


def judge_groups(folder: Path, limit: float, last: bool) -> Decision:
    """What a gate's undisturbed groups say; without a decision if no look is due, unless it is the `last`."""
    recorded = load_experiment(folder)
    disturbed = [entry for entry in recorded.experiment.runs if entry.state is RunState.DISTURBED]
    baseline, candidate = undisturbed_groups(recorded, VARIANTS)
    groups = len(baseline.runs)
    if groups:
        foreign = next(_foreign_files(baseline.runs, recorded), None)
        if foreign is not None:
            reason = (
                f"the baseline runs {foreign}, which is the candidate's: install the package in neither, or in both"
            )
            return Decision(Answer.UNDECIDED, groups, reason=reason)
        comparison = compare(baseline, candidate, ACROSS)
        if comparison.verdict.outcome is Outcome.NOT_COMPARABLE:
            return Decision(Answer.UNDECIDED, groups, reason="; ".join(comparison.verdict.reasons))
        ratios = log_ratios(comparison.baseline_steps, comparison.candidate_steps)
        look = look_number(len(ratios), last)
        if look is not None:
            return decide(ratios, limit, look)
    if not (last and disturbed):
        return Decision(Answer.UNDECIDED, groups)
    reason = f"all groups were disturbed ({disturbed[-1].reason}){_seen(recorded)}. Try again when the machine is quiet"
    return Decision(Answer.UNDECIDED, groups, reason=reason)


def _seen(recorded: Recorded) -> str:
    """What disturbed groups show, which decides nothing."""
    sides = [variant_side(recorded, name) for name in VARIANTS]
    baseline, candidate = ([steps for run in side.runs if len(steps := fair_steps(run))] for side in sides)
    ratios = log_ratios(baseline, candidate)
    return f"; the step time in them was {units.change(math.exp(median(ratios)))}" if ratios else ""


def _foreign_files(runs: Iterable[Run], recorded: Recorded) -> Iterator[str]:
    """Files of the user's own folder, outside of any copy, whose code a run of the baseline executed."""
    experiment = recorded.experiment
    root, own = (experiment.root or experiment.working_directory).rstrip("/") + "/", str(recorded.folder)
    frames = (
        frame for run in runs for row in run.view.operators.rows for stack in row.stacks for frame in stack.frames
    )
    for frame in frames:
        inside = frame.file.startswith(root) and not frame.file.startswith(own)
        if inside and is_users(frame.file, experiment.words[0]):
            yield frame.file
