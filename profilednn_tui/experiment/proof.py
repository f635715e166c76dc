"""Tries a finding's remedy: runs a session's target without and with it until it is known what the remedy wins."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from profilednn_tui import units
from profilednn_tui.advise.findings import SMALLEST_CEILING, Finding, Remedy
from profilednn_tui.clock import SYSTEM_CLOCK, Clock
from profilednn_tui.collect.machine import own_cores
from profilednn_tui.compare.comparison import TAKEN, Comparison, compare
from profilednn_tui.compare.gate import Answer, Decision, decide, log_ratios, look_number
from profilednn_tui.compare.intervals import FEWEST_GROUPS
from profilednn_tui.compare.losses import Agreement, LossAgreement
from profilednn_tui.compare.runs import Run
from profilednn_tui.compare.verdict import Outcome
from profilednn_tui.errors import ProfilerError
from profilednn_tui.experiment.again import FEWEST_STEPS, experiment_again, why_not_again
from profilednn_tui.experiment.background import run_in_background
from profilednn_tui.experiment.first_look import first_look, settled_unasked
from profilednn_tui.experiment.groups import run_groups
from profilednn_tui.experiment.plan import Experiment, RunEntry, RunState, load_experiment
from profilednn_tui.experiment.runner import ExperimentProgress, Starter, target_of
from profilednn_tui.experiment.sides import undisturbed_groups
from profilednn_tui.experiment.variants import Variant
from profilednn_tui.export.advice.words import VARIANT, gain_text, remedy_text
from profilednn_tui.launch.command import script_digest
from profilednn_tui.launch.rerun import Rerun
from profilednn_tui.session.open_session import OpenSession
from profilednn_tui.session.proof import Effect, Proof
from profilednn_tui.session.storage.ledger import session_name
from profilednn_tui.session.view import SessionView, Steps

UNCHANGED, TRIED = VARIANTS = "unchanged", VARIANT
MOST_STEPS = 60
"""Of a run, warm-up included, after those to skip; at least `FEWEST_STEPS`."""
LATE_STEPS, LATE_SHARE = 20, 0.85
"""A training has reached the session's step time when the median of so many steps is at least this share of it."""
NARROW = 0.05
"""How narrow the interval gets for a finding that costs no time of its own."""

Tell = Callable[[str], None]
"""Receives the progress, one sentence at a time."""


@dataclass(frozen=True, slots=True)
class Attempt:
    """A remedy that can be tried."""

    finding: Finding
    session: str
    """Its name in the ledger."""
    experiment: Experiment
    warnings: tuple[str, ...] = ()
    """How the runs may differ from the session, a sentence each."""


def why_not(session: OpenSession, finding: Finding) -> str:
    """Why a finding's remedy cannot be tried, in one or two sentences; empty if it can."""
    remedy = finding.remedy
    if remedy.change or not (remedy.optimizations or remedy.environment):
        return f"For {finding.rule} there is nothing to switch on; change the script instead: {remedy.change}"
    return why_not_again(session)


def attempt_of(session: OpenSession, finding: Finding, minutes: float, scratch: bool | None) -> Attempt:
    """What to run for a finding; raises a `ProfilerError` if its remedy cannot be tried."""
    refusal = why_not(session, finding)
    if refusal:
        raise ProfilerError(refusal)
    again, view = Rerun.of(session.location), session.view()
    on = again.options.optimizations
    added = _missing(finding.remedy, again)
    variants = Variant(UNCHANGED, on), Variant(TRIED, (*on, *added), dict(finding.remedy.environment))
    skip = late_steps(view.steps)
    steps = _steps(view, minutes, skip)
    experiment = experiment_again(session, f"try-{finding.rule}", variants, steps, scratch)
    experiment = replace(experiment, certify=False, skip=skip)
    started = target_of(experiment, experiment.variants[0])  # raises if it cannot be started
    warnings = _differences(view, script_digest(started))
    return Attempt(finding, session_name(session.location), experiment, tuple(warnings))


def try_remedy(
    attempt: Attempt,
    folder: Path,
    until_s: float,
    tell: Tell,
    start: Starter = run_in_background,
    clock: Clock = SYSTEM_CLOCK,
) -> Proof | int:
    """Make the runs in the experiment's `folder`; returns what came out, or the signal that stopped it.

    It ends once the interval of the gain is narrower than the ceiling, it is decided whether steps are shorter or
    longer, or another group of runs would probably not end before `until_s` (monotonic). The looks at the result share
    the error probability, as those of a gate. Raises a `ProfilerError` if nothing can be concluded.
    """
    experiment, finding = attempt.experiment, attempt.finding
    place = "in place" if experiment.scratch is False else "in a copy of its folder"
    tell(f"A first look at the training, {place}, shows what runs write and share.")
    experiment.save(folder)
    look = first_look(experiment, folder, start, lambda elapsed_s: None)
    if isinstance(look, int):
        return look
    experiment = settled_unasked(experiment, look)
    experiment.save(folder)
    tell(_order_text(experiment))
    judging = _Judging(folder, finding.ceiling or NARROW, finding.in_few_steps, tell)
    lines = _Lines({UNCHANGED: "unchanged", TRIED: remedy_text(finding.remedy)}, tell)
    made = run_groups(experiment, folder, until_s, judging.is_enough, lines, start, clock)
    if made.stopped_by is not None:
        return made.stopped_by
    if made.failed is not None:
        raise ProfilerError(f"With {remedy_text(finding.remedy)}, the training fails: {made.failed.reason}")
    return _proof(attempt, experiment, judging.last(), judging.wanted, clock.unix_ns())


@dataclass(frozen=True, slots=True)
class _Look:
    comparison: Comparison
    decision: Decision


@dataclass(slots=True)
class _Judging:
    """Looks at the undisturbed groups of an experiment."""

    folder: Path
    wanted: float
    """How narrow the interval of the gain has to be."""
    of_means: bool
    """Whether the mean step counts, and not the median."""
    tell: Tell

    def is_enough(self) -> bool:
        """Whether more groups would be of no use."""
        runs = load_experiment(self.folder).experiment.runs
        made, done = _blocks(runs), _blocks(run for run in runs if run.state is RunState.DONE)
        if not done and len(made) >= FEWEST_GROUPS:
            return True  # something disturbs all of them
        found = self._look(last=False) if len(done) >= FEWEST_GROUPS else None
        if found is None:
            return False
        self.tell(f"{units.counted(found.decision.groups, 'group')}: {gain_text(*_gains(found.decision))}.")
        comparable = found.comparison.verdict.outcome is not Outcome.NOT_COMPARABLE
        return not comparable or _is_decided(found.decision) or _width(found.decision) < self.wanted

    def last(self) -> _Look:
        """The look at the end; raises a `ProfilerError` if there are too few groups."""
        found = self._look(last=True)
        if found is not None and found.decision.groups >= FEWEST_GROUPS:
            return found
        runs = load_experiment(self.folder).experiment.runs
        made = len(_blocks(runs))
        disturbed = [run.reason for run in runs if run.state is RunState.DISTURBED]
        if disturbed:
            groups = units.count(found.decision.groups if found is not None else 0)
            raise ProfilerError(
                f"Of {units.counted(made, 'group')} of runs, {groups} were undisturbed, and {FEWEST_GROUPS} are needed "
                f"({disturbed[-1]}). Try again when the machine is quiet."
            )
        if found is not None and found.comparison.verdict.reasons:
            raise ProfilerError(f"The runs cannot be compared: {'; '.join(found.comparison.verdict.reasons)}.")
        raise ProfilerError(
            f"Time was up after {made} of at least {FEWEST_GROUPS} groups of runs. Give it more with --minutes M."
        )

    def _look(self, last: bool) -> _Look | None:
        """None if no look is due yet, or there is no undisturbed group."""
        unchanged, tried = undisturbed_groups(load_experiment(self.folder), VARIANTS)
        if not unchanged.runs:
            return None
        comparison = compare(unchanged, tried)
        ratios = log_ratios(comparison.baseline_steps, comparison.candidate_steps, self.of_means)
        look = look_number(len(ratios), last)
        return None if look is None else _Look(comparison, decide(ratios, 0.0, look))


@dataclass(frozen=True, slots=True)
class _Lines:
    """Tells of each run."""

    names: dict[str, str]
    tell: Tell

    def beat(self, progress: ExperimentProgress) -> None:
        """Nothing is told in between."""

    def ended(self, progress: ExperimentProgress, entry: RunEntry, run: Run) -> None:
        result = f"median step {units.duration(run.view.steps.median_ns)}"
        if entry.state is RunState.DISTURBED:
            result += f", disturbed: {entry.reason}"
        elif entry.state is RunState.FAILED:  # the reason is the end of it all
            result = "failed"
        self.tell(f"Run {units.count(progress.number)}, {self.names[entry.variant]}: {result}.")


def _blocks(runs: Iterable[RunEntry]) -> set[int]:
    return {run.block for run in runs}


def _missing(remedy: Remedy, again: Rerun) -> tuple[str, ...]:
    """The optimizations of a remedy that were not on; raises a `ProfilerError` if nothing would change, or cannot."""
    added = tuple(name for name in remedy.optimizations if name not in again.options.optimizations)
    if not added and all(again.options.environment.get(name) == value for name, value in remedy.environment.items()):
        raise ProfilerError(
            f"{remedy_text(remedy)} was already on in this session: there is nothing to compare it with."
        )
    known = {one.name: one for one in again.check()} if added else {}
    for one in (known[name] for name in added if name in known):
        if not one.available:
            raise ProfilerError(f"{one.name} is not available for this training: {one.reason}. Fix: {one.fix}.")
        clashes = [
            name
            for name in again.options.optimizations
            if name in one.conflicts or (name in known and one.name in known[name].conflicts)
        ]
        if clashes:
            raise ProfilerError(f"{one.name} cannot be on together with {' and '.join(clashes)}, as in this session.")
    return added


def _steps(view: SessionView, minutes: float, skip: int) -> int:
    """Steps per run: no more than the session had, and few enough that the fewest groups end in half of the time.

    Raises a `ProfilerError` if runs that go beyond the steps to skip would take longer.
    """
    step_s = (view.steps.median_ns or 0.0) / 1e9
    runs = 1 + 2 * FEWEST_GROUPS
    skipped_s = sum(view.steps.durations_ns[:skip]) / 1e9
    left_s = 30 * minutes / runs - skipped_s
    if skip and left_s < FEWEST_STEPS * step_s:
        needed = math.ceil(runs * (skipped_s + FEWEST_STEPS * step_s) / 30)
        raise ProfilerError(
            f"In the session, steps took about {units.duration(view.steps.median_ns)} only after {units.count(skip)} "
            f"steps, and runs that long take more than {minutes:g} minutes. Give it more with --minutes {needed}."
        )
    fitting = int(left_s / step_s) if step_s else MOST_STEPS
    return skip + max(FEWEST_STEPS, min(fitting, view.steps.count - skip, MOST_STEPS))


def late_steps(steps: Steps) -> int:
    """The number of steps after which a training reached the step time of the session's median, if it was faster.

    What a finding is about may begin late; slower steps at the beginning are warm-up.
    """
    durations_ns = np.array(steps.durations_ns, dtype=np.float64)
    if steps.median_ns is None or len(durations_ns) < 2 * LATE_STEPS or steps.numbers[0] != 1:
        return 0
    running_ns = np.median(np.lib.stride_tricks.sliding_window_view(durations_ns, LATE_STEPS), axis=1)
    reached = int(np.argmax(running_ns >= LATE_SHARE * steps.median_ns))
    return reached + LATE_STEPS - 1 if reached else 0


def _differences(view: SessionView, script_sha256: str) -> Iterator[str]:
    """What else than the remedy may make the runs differ from the session."""
    if view.live:
        yield "The session's training is still running and takes cores from the runs."
    if view.target.script_sha256 and script_sha256 and view.target.script_sha256 != script_sha256:
        yield "The script has changed since the session."
    cores, had = len(own_cores().allowed), view.machine.affinity
    if had is not None and had != cores:
        yield f"The session ran on {units.counted(had, 'core')}, and the runs have {units.count(cores)}."


def _order_text(experiment: Experiment) -> str:
    place = "in copies of the folder" if experiment.scratch else "in the folder itself"
    if experiment.lockstep:
        return f"Runs are made {place}, without and with the remedy in lockstep."
    return f"Runs are made {place}, in turn: {experiment.order_reason}."


def _proof(attempt: Attempt, experiment: Experiment, look: _Look, wanted: float, unix_ns: int) -> Proof:
    decision, finding = look.decision, attempt.finding
    effect, reason = _effect(look, wanted)
    gain, low, high = _gains(decision)
    tried = look.comparison.candidate.runs
    return Proof(
        rule=finding.rule,
        session=attempt.session,
        remedy=remedy_text(finding.remedy),
        ceiling=finding.ceiling,
        effect=effect,
        gain=gain,
        low=low,
        high=high,
        order="lockstep" if experiment.lockstep else "in turn",
        runs=decision.groups,
        losses=_losses_text(look.comparison.losses),
        unix_ns=unix_ns,
        note="; ".join(filter(None, (reason, *_not_on(finding.remedy, tried)))),
    )


def _effect(look: _Look, wanted: float) -> tuple[Effect, str]:
    """What the remedy did, and why that cannot be told."""
    decision, verdict = look.decision, look.comparison.verdict
    gain, _, _ = _gains(decision)
    if verdict.outcome is Outcome.NOT_COMPARABLE:
        return Effect.NOT_JUDGED, "; ".join(verdict.reasons)
    if _is_decided(decision) and abs(gain) >= SMALLEST_CEILING:
        return (Effect.HELPED if gain > 0 else Effect.HARMED), ""
    if _is_decided(decision) or _width(decision) < wanted:
        return Effect.NO_DIFFERENCE, ""
    more = f", about {units.count(decision.more_groups)} more would" if decision.more_groups else ""
    return Effect.NOT_JUDGED, f"{units.counted(decision.groups, 'group')} of runs cannot tell{more}"


def _is_decided(decision: Decision) -> bool:
    """Whether steps are known to be shorter or longer."""
    return decision.answer is not Answer.UNDECIDED


def _gains(decision: Decision) -> tuple[float, float, float]:
    """The share of the step that was won, and its interval."""
    assert decision.ratio is not None
    assert decision.low is not None
    assert decision.high is not None
    return 1 - decision.ratio, 1 - decision.high, 1 - decision.low


def _width(decision: Decision) -> float:
    _, low, high = _gains(decision)
    return high - low


def _losses_text(losses: LossAgreement) -> str:
    """The agreement in words that follow "losses"."""
    if losses.agreement is Agreement.SAME:
        return "the same"
    reason, not_compared, _ = losses.text.partition(": not compared")
    return f"not compared ({reason})" if not_compared else losses.text


def _not_on(remedy: Remedy, runs: Sequence[Run]) -> Iterator[str]:
    """The optimizations that were not on in all runs, with the reason."""
    yield from dict.fromkeys(
        f"{one.name} {one.state}: {one.text}"
        for run in runs
        for one in run.view.optimizations
        if one.name in remedy.optimizations and one.state not in TAKEN
    )
