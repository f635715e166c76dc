"""The full comparison of two sides."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from profilednn_tui import units
from profilednn_tui.compare.alignment import (
    Aligned,
    Figure,
    ModuleName,
    OperatorName,
    RankPart,
    align_figures,
    align_modules,
    align_operators,
    align_phases,
    align_ranks,
    without_judgement,
)
from profilednn_tui.compare.certificate import HORIZON, Certificate, Sameness, certificate
from profilednn_tui.compare.comparable import differences
from profilednn_tui.compare.losses import Agreement, LossAgreement, loss_agreement, precision_of, same_numbers
from profilednn_tui.compare.runs import Run, Side, others_share
from profilednn_tui.compare.samples import FairSteps, common_warm_up, fair_steps
from profilednn_tui.compare.significance import Floats, Significance, changed_parts
from profilednn_tui.compare.verdict import Outcome, Verdict, judge
from profilednn_tui.protocol.vocabulary import ASKED, ON
from profilednn_tui.session.ending import exit_words, was_killed
from profilednn_tui.session.spread import BETWEEN_SESSIONS, WITHIN_EXPERIMENT, Spread
from profilednn_tui.session.view import Optimization, SessionView

TAKEN = (ON, ASKED)
"""States of an optimization that need no note. In any other state, the side is not what its name says."""
FEWEST_STEPS = 5
"""Required in every run after the warm-up: a median of fewer says little."""


@dataclass(frozen=True, slots=True)
class Comparison:
    """A candidate compared with a baseline."""

    baseline: Side
    candidate: Side
    verdict: Verdict
    losses: LossAgreement
    warm_up_steps: int
    """Number of steps left out at the beginning of every run."""
    baseline_steps: tuple[FairSteps, ...]
    """The samples, one series per run."""
    candidate_steps: tuple[FairSteps, ...]
    phases: tuple[Aligned[str], ...]
    ranks: tuple[Aligned[RankPart], ...]
    """Empty unless both sides have several ranks."""
    operators: tuple[Aligned[OperatorName], ...]
    modules: tuple[Aligned[ModuleName], ...]
    figures: tuple[Figure, ...]
    notes: tuple[str, ...]
    """What readers need to know besides the verdict."""
    certificate: Certificate | None = None
    """Whether the candidate trains the same; None without runs for it."""


def compare(baseline: Side, candidate: Side, across: Collection[str] = ()) -> Comparison:
    """Compare two sides, each with at least one run.

    `across` names checks of `comparable.CHECKS` that may fail: the difference becomes a note, not a reason.
    """
    different = differences(baseline, candidate)
    reasons = [text for name, text in different.items() if name not in across]
    reasons += [side.disturbed for side in (baseline, candidate) if side.disturbed]
    sides = [[fair_steps(run) for run in side.runs] for side in (baseline, candidate)]
    sides = [[steps for steps in runs if len(steps)] for runs in sides]
    warm_up = common_warm_up(sides) if all(sides) else 0
    settled = [[kept for steps in runs if len(kept := steps.after(warm_up))] for runs in sides]
    reasons += [
        _too_few(side, runs)
        for side, runs in zip((baseline, candidate), settled, strict=True)
        if not runs or min(map(len, runs)) < FEWEST_STEPS
    ]
    others = others_share(baseline), others_share(candidate)
    floor = expected_spread(baseline, candidate)
    verdict = judge(settled[0], settled[1], reasons, others, floor, apart(baseline, candidate))
    certified = _certificate(baseline, candidate)
    losses = loss_agreement(
        [run.view.steps for run in baseline.runs],
        [run.view.steps for run in candidate.runs],
        precision_of((*baseline.runs, *candidate.runs)),
        same_numbers(baseline.runs, candidate.runs),
    )
    if certified is not None and _is_explained(losses, certified):
        losses = replace(losses, agreement=Agreement.NOISE, from_step=None)
    phases = align_phases(settled[0], settled[1]) if all(settled) else ()
    ranks = align_ranks(baseline, candidate)
    operators, modules = align_operators(baseline, candidate), align_modules(baseline, candidate)
    if verdict.outcome is Outcome.NOT_COMPARABLE:
        phases, ranks = without_judgement(phases), without_judgement(ranks)
        operators, modules = without_judgement(operators), without_judgement(modules)
    return Comparison(
        baseline=baseline,
        candidate=candidate,
        verdict=verdict,
        losses=losses,
        warm_up_steps=warm_up,
        baseline_steps=tuple(settled[0]),
        candidate_steps=tuple(settled[1]),
        phases=phases,
        ranks=ranks,
        operators=operators,
        modules=modules,
        figures=align_figures(baseline, candidate),
        notes=tuple(_notes(baseline, candidate, verdict, losses, [different[n] for n in different if n in across])),
        certificate=certified,
    )


def idle_in(runs: Sequence[Run], names: Collection[str]) -> tuple[Optimization, ...]:
    """The optimizations of these names that did nothing in the newest run, with the reason."""
    states = {one.name: one for one in runs[-1].view.optimizations}
    return tuple(states[name] for name in names if name in states and states[name].state not in TAKEN)


def profiled_views(side: Side) -> list[SessionView]:
    """The runs of a side that have operator windows."""
    return [run.view for run in _profiled(side)]


def _profiled(side: Side) -> list[Run]:
    return [run for run in side.runs if run.view.operators.windows]


def judge_nodes(comparison: Comparison, baseline: Floats, candidate: Floats) -> Significance:
    """Which nodes of a flame graph have changed, given their values in each of the `profiled_views` of both sides; the
    first node is the whole."""
    turns = tuple([run.turn for run in _profiled(side)] for side in (comparison.baseline, comparison.candidate))
    found = changed_parts(baseline, candidate, (turns[0], turns[1]), float(baseline[:, 0].mean()))
    if comparison.verdict.outcome is Outcome.NOT_COMPARABLE:
        reason = f"the sides are not comparable ({'; '.join(comparison.verdict.reasons)})"
        return Significance(reason, np.zeros_like(found.changed))
    return found


def _certificate(baseline: Side, candidate: Side) -> Certificate | None:
    if baseline.certificate is None or candidate.certificate is None:
        return None
    return certificate(baseline.certificate, candidate.certificate, (*baseline.runs, *candidate.runs), baseline.runs)


def _is_explained(losses: LossAgreement, certified: Certificate) -> bool:
    """Whether rounding errors explain a drift of the losses, because it begins in a step that is certified.

    A certificate follows rounding errors from their beginning; losses alone do not show how fast they grow.
    """
    if certified.sameness is not Sameness.ROUNDING or losses.from_step is None or losses.largest is None:
        return False
    drifting = losses.agreement is Agreement.DRIFTING
    return drifting and losses.from_step <= certified.steps and losses.largest < HORIZON


def expected_spread(baseline: Side, candidate: Side) -> Spread:
    """How much the runs of two sides are expected to vary, as recorded with them.

    It comes from the recordings and not from this machine's files, so that the same recordings always give the same
    verdict.
    """
    runs = (*baseline.runs, *candidate.runs)
    experiments = _experiments(baseline, candidate)
    together = len(experiments) == 1 and None not in experiments
    carried = [run.spread for run in runs if run.spread is not None]
    # What the runs of one experiment vary by says nothing about runs made at another time.
    if (together or experiments == {None}) and len(carried) == len(runs):
        return max(carried, key=lambda one: one.deviation)
    return WITHIN_EXPERIMENT if together else BETWEEN_SESSIONS


def apart(baseline: Side, candidate: Side) -> bool:
    """Whether all runs of one side were made before those of the other, and not in turn."""
    if None not in _experiments(baseline, candidate) and len(_experiments(baseline, candidate)) == 1:
        return False
    first, second = _span(baseline), _span(candidate)
    return first is not None and second is not None and (first[1] <= second[0] or second[1] <= first[0])


def _experiments(*sides: Side) -> set[str | None]:
    """The experiments that the runs belong to; None stands for runs outside of any."""
    return {None if run.turn is None else run.turn[0] for side in sides for run in side.runs}


def _span(side: Side) -> tuple[int, int] | None:
    """From the end of the first step to that of the last, over all runs; None if there is no step."""
    ends = [run.view.steps.end_unix_ns for run in side.runs if run.view.steps.end_unix_ns]
    return (min(one[0] for one in ends), max(one[-1] for one in ends)) if ends else None


def _too_few(side: Side, runs: list[FairSteps]) -> str:
    fewest = min(map(len, runs), default=0)
    steps = units.counted(fewest, "step") if fewest else "no steps"
    return f"{side.name} has {steps} to judge, and {FEWEST_STEPS} are needed"


def _notes(
    baseline: Side, candidate: Side, verdict: Verdict, losses: LossAgreement, accepted: list[str]
) -> Iterator[str]:
    yield from (f"compared anyway: {sentence}" for sentence in accepted)
    if losses.changes_training:
        yield f"the candidate trains differently: losses {losses.text}"
    floor = None if verdict.interval is None else verdict.interval.floor
    if floor is not None and verdict.interval is not None and verdict.interval.fixed:
        source = "assumed" if floor.assumed else "seen in earlier runs on their machine"
        yield (
            f"all runs of one side were made before those of the other: what the machine did meanwhile counts as "
            f"{units.share(floor.deviation)} ({source}); runs in turn, as of an experiment, can tell smaller ones"
        )
    elif floor is not None:
        fewest = min(len(baseline.runs), len(candidate.runs))
        source = "is assumed" if floor.assumed else "was seen in earlier runs on their machine"
        yield (
            f"{fewest} {'run' if fewest == 1 else 'runs'} per side cannot show how much runs vary: "
            f"{units.share(floor.deviation)} {source}"
        )
    for side in (baseline, candidate):
        yield from _notes_on(side)
    targets = [side.runs[0].view.target for side in (baseline, candidate)]
    for name in ("torch", "python", "intra_op_threads"):
        first, second = (getattr(target, name) for target in targets)
        if first is not None and second is not None and first != second:
            yield f"{name.replace('_', '-')} {first} against {second}"


def _notes_on(side: Side) -> Iterator[str]:
    shown = len(side.runs) > 1
    for run in side.runs:
        subject = f"{side.name}, {run.name}" if shown else side.name
        if run.disturbance and not side.disturbed:
            yield f"{subject}: {run.disturbance}"
        if run.failed:
            yield f"{subject} {_how_it_failed(run)}"
        if not run.view.operators.windows:
            yield f"{subject} has no operators: no window was recorded"
    yield from dict.fromkeys(
        f"{side.name}: {one.name} {one.state}, {one.text}"
        for run in side.runs
        for one in run.view.optimizations
        if one.state not in TAKEN
    )
    if side.left_out:
        count = len(side.runs) + len(side.left_out)
        yield f"{side.name}: {len(side.left_out)} of {count} runs were disturbed and left out"


def _how_it_failed(run: Run) -> str:
    code = run.view.target.exit_code
    return f"was {exit_words(code)}" if was_killed(code) else f"ended with {exit_words(code)}"
