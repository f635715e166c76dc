"""Stage 2: candidates that need processes of their own race against the best of stage 1, and losers leave early."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from profilednn_tui import units
from profilednn_tui.clock import Clock
from profilednn_tui.compare.comparison import idle_in
from profilednn_tui.compare.factorial import Effect
from profilednn_tui.compare.gate import decide, log_ratios, look_number
from profilednn_tui.compare.intervals import FEWEST_GROUPS
from profilednn_tui.compare.losses import loss_agreement, precision_of, same_numbers
from profilednn_tui.compare.runs import Run
from profilednn_tui.compare.samples import common_warm_up, fair_steps
from profilednn_tui.compare.tuning import Eliminated
from profilednn_tui.experiment.plan import RunState, load_experiment
from profilednn_tui.experiment.runner import Observer, Starter, run_experiment
from profilednn_tui.experiment.sides import undisturbed_groups
from profilednn_tui.experiment.variants import Variant
from profilednn_tui.tune.factorial import WORTH
from profilednn_tui.tune.watch import Watch

MORE_GROUPS = 2
"""After the first look, so many groups are run before the next."""
MOST_GROUPS = 16


@dataclass(frozen=True, slots=True)
class RaceOutcome:
    """How a race ended."""

    effects: tuple[Effect, ...]
    """Of all candidates that were measured."""
    better: tuple[str, ...]
    """Those that make steps shorter beyond doubt, the best first."""
    promising: tuple[str, ...]
    """Those that looked better when time was up, but not beyond doubt; the best first."""
    eliminated: tuple[Eliminated, ...]


@dataclass(frozen=True, slots=True)
class Standing:
    """What the groups so far say of a candidate."""

    effect: Effect
    reason: str = ""
    """Why it is out; empty if it is not."""

    @property
    def decided(self) -> bool:
        return bool(self.reason) or self.effect.high < 1


def race(
    folder: Path,
    variants: Sequence[Variant],
    until_s: float,
    watch: Watch,
    observer: Observer,
    start: Starter,
    clock: Clock,
) -> RaceOutcome | int:
    """Run groups of the experiment in `folder`, with the first variant as baseline, until each candidate is decided.

    A candidate is out if it fails, has no effect, trains differently, or cannot be better by `WORTH`. All looks at all
    candidates share the error probability. Returns the signal if one has stopped it.
    """
    baseline, *candidates = variants
    standings: dict[str, Standing] = {}
    racing, groups, last_s = list(candidates), FEWEST_GROUPS, 0.0
    while racing and groups <= MOST_GROUPS:
        begin_s = clock.monotonic_s()
        if standings and begin_s + last_s > until_s:
            break
        made = replace(load_experiment(folder, as_written=True).experiment, repeat=groups)
        outcome = run_experiment(replace(made, variants=(baseline, *racing)), folder, observer, start)
        if outcome.stopped_by is not None:
            return outcome.stopped_by
        last_s = clock.monotonic_s() - begin_s
        for one in racing:
            standings[one.name] = standing(folder, baseline, one, len(candidates))
            watch.tell(_line(standings[one.name]))
        watch.effects(_measured(standings))
        racing = [one for one in racing if not standings[one.name].decided]
        groups += MORE_GROUPS
    better = sorted((one.effect for one in standings.values() if not one.reason and one.effect.high < 1), key=_ratio)
    left = sorted((standings[one.name].effect for one in racing), key=_ratio)
    promising = [one for one in left if math.isfinite(one.high) and one.ratio <= 1 - WORTH]
    out = [Eliminated(name, one.reason) for name, one in standings.items() if one.reason]
    out += [
        Eliminated(one.name, "time was up before it was known to be better") for one in left if one not in promising
    ]
    return RaceOutcome(
        _measured(standings), tuple(one.name for one in better), tuple(one.name for one in promising), tuple(out)
    )


def _measured(standings: Mapping[str, Standing]) -> tuple[Effect, ...]:
    return tuple(one.effect for one in standings.values() if math.isfinite(one.effect.high))


def standing(folder: Path, baseline: Variant, candidate: Variant, candidates: int) -> Standing:
    """What the undisturbed groups of an experiment say of a candidate, at a look that is shared by some candidates."""
    recorded = load_experiment(folder)
    entries = recorded.experiment.runs_of(candidate.name)
    failed = next((entry for entry in entries if entry.state is RunState.FAILED), None)
    if failed is not None:
        return Standing(_unknown(candidate.name), f"its run failed: {failed.reason}")
    first, second = undisturbed_groups(recorded, (baseline.name, candidate.name))
    if not second.runs:
        disturbed = [entry.reason for entry in entries if entry.state is RunState.DISTURBED]
        reason = f"all its runs were disturbed ({disturbed[-1]})" if disturbed else "it has no run"
        return Standing(_unknown(candidate.name), reason)
    effect = measured(candidate.name, first.runs, second.runs, candidates)
    return Standing(effect, why_out(effect, candidate, first.runs, second.runs))


def measured(name: str, baseline: Sequence[Run], candidate: Sequence[Run], candidates: int) -> Effect:
    """The mean of the groups' log ratios with its t interval, at a look that is shared by some candidates."""
    sides = [[fair_steps(run) for run in runs] for runs in (baseline, candidate)]
    if not all(all(map(len, runs)) for runs in sides):
        return _unknown(name)
    warm_up = common_warm_up(sides)
    settled = [[kept for steps in runs if len(kept := steps.after(warm_up))] for runs in sides]
    ratios = log_ratios(settled[0], settled[1])
    steps = sum(map(len, settled[1]))
    found = decide(ratios, 0.0, look_number(len(ratios), last=True) or 1, candidates)
    if found.ratio is None or found.low is None or found.high is None:
        return replace(_unknown(name), steps=steps)
    return Effect(name, found.ratio, found.low, found.high, steps)


def why_out(effect: Effect, candidate: Variant, baseline: Sequence[Run], runs: Sequence[Run]) -> str:
    """Why a candidate that has been measured is out; empty if it is not."""
    others = {one.name for one in baseline[-1].view.optimizations}
    idle = idle_in(runs, [name for name in candidate.optimizations if name not in others])
    if idle:
        return "; ".join(f"{one.state} {one.text}".strip() for one in idle)
    losses = loss_agreement(
        [run.view.steps for run in baseline],
        [run.view.steps for run in runs],
        precision_of((*baseline, *runs)),
        same_numbers(baseline, runs),
    )
    if losses.changes_training:
        return f"it trains differently: losses {losses.text}"
    if effect.low > 1 - WORTH:
        interval = f"{units.change(effect.ratio)} ({units.change(effect.low)} to {units.change(effect.high)})"
        return f"it cannot be {units.share(WORTH)} faster: {interval}"
    return ""


def _unknown(name: str) -> Effect:
    return Effect(name, 1.0, 0.0, math.inf, 0)


def _ratio(effect: Effect) -> float:
    return effect.ratio


def _line(one: Standing) -> str:
    if one.reason:
        return f"{one.effect.name} is out: {one.reason}."
    return f"{one.effect.name}: {units.change(one.effect.ratio)}{', better' if one.decided else ''}."
