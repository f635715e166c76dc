"""The stages of a search: a first look, effects between steps, a race of processes, and a shootout against stock.

Only the shootout's number is a gain: the candidates were chosen because they looked good, and so look better than they
are.
"""

from __future__ import annotations

import math
import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from profilednn_tui import units
from profilednn_tui.clock import SYSTEM_CLOCK, Clock
from profilednn_tui.compare.factorial import Effect, Estimate, Switch, best_setting
from profilednn_tui.compare.intervals import FEWEST_GROUPS, FEWEST_PAIRS
from profilednn_tui.compare.tuning import Eliminated
from profilednn_tui.errors import ProfilerError
from profilednn_tui.experiment.background import run_in_background
from profilednn_tui.experiment.certificate import make_certificate_runs
from profilednn_tui.experiment.first_look import look_at_baseline, settled_unasked
from profilednn_tui.experiment.plan import EXPERIMENT_FILE, Experiment, RunState, load_experiment
from profilednn_tui.experiment.runner import Observer, Starter, run_experiment
from profilednn_tui.experiment.trial import TimeLimit
from profilednn_tui.experiment.variants import Variant
from profilednn_tui.launch.optimizations import OptimizationDescription
from profilednn_tui.launch.options import DEFAULT_OVERHEAD_PERCENT
from profilednn_tui.tune.blocks import forget_blocks
from profilednn_tui.tune.candidates import ONLY_IF_FOUND, OWN_THREADS, THREADS, candidates_of
from profilednn_tui.tune.factorial import WORTH, live_effects
from profilednn_tui.tune.race import race
from profilednn_tui.tune.record import SHOOTOUT_FOLDER, Plain, Search, Stage, load_search
from profilednn_tui.tune.report import uncertified_winner
from profilednn_tui.tune.watch import Watch

TUNED, PROMISING, POSSIBLE, BETWEEN_STEPS = "tuned", "promising", "possible", "between-steps"
RACERS = 4
"""At once, the baseline included: all of them have to fit in memory."""
SLOW_TO_WARM_UP = frozenset({"compile"})
LOOK_S = 20.0
EFFECTS_SHARE, EFFECTS_LATEST = 0.35, 0.65
"""Of the time, when stage 1 has to be over: the latter if steps are so slow that there are no effects before."""
GROUPS, REPEATS = 6, 8
"""Of the shootout: in lockstep, and in turn."""
FEWEST_STEPS, MOST_STEPS = 10, 60
"""Of a run in the race and in the shootout, warm-up included."""
FEWEST_PROOF_STEPS = 16
"""Of a run in the shootout with windows: the first ones and the warm-up take up to ten of them."""
CERTIFIED = 2
"""Runs of a certificate: one of the winner, and one of stock."""
PROVEN_BY = 2.0
"""When the shootout should be over, as a share of the time for finding the candidates."""
RACE_FOLDER = "race"

Tell = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Means:
    """What a search uses."""

    offers: Sequence[OptimizationDescription]
    tell: Tell
    observer: Observer
    start: Starter = run_in_background
    clock: Clock = SYSTEM_CLOCK


def search(folder: Path, means: Means) -> int | None:
    """Do what is left of a search in its folder; returns the signal if one has stopped it.

    Raises a `ProfilerError` if the training itself cannot be run.
    """
    return _Search(folder, load_search(folder, as_written=True), means).run()


class _Search:
    def __init__(self, folder: Path, record: Search, means: Means) -> None:
        self._folder = folder
        self._record = record
        self._means = means
        self._begin_s = means.clock.monotonic_s() - record.duration_s
        self._total_s = 60 * record.wishes.minutes

    def run(self) -> int | None:
        stages = {
            Stage.LOOK: self._look,
            Stage.EFFECTS: self._measure_effects,
            Stage.RACE: self._race,
            Stage.SHOOTOUT: self._shoot_out,
            Stage.CERTIFICATE: self._certify,
        }
        for stage, carry_out in stages.items():
            self._keep(stage=stage, looking=())
            stopped_by = carry_out()
            self._keep()
            if stopped_by is not None:
                return stopped_by
        self._keep(stage=Stage.DONE)
        return None

    def _watch(self, effects: Sequence[Effect], earlier: tuple[Effect, ...] = ()) -> None:
        """Let others see what a stage has found so far."""
        self._keep(looking=(*earlier, *effects))

    def _keep(self, **news: object) -> None:
        duration_s = self._means.clock.monotonic_s() - self._begin_s
        self._record = replace(self._record, duration_s=duration_s, **news)  # type: ignore[arg-type]
        self._record.save(self._folder)

    # ---- stages; each does nothing if it is over

    def _look(self) -> int | None:
        """What the plain training does, and what can be tried with it."""
        record = self._record
        if record.plain is not None:
            return None
        stock = record.base.variants[0]
        self._means.tell(f"A first look at the plain training, {units.duration(LOOK_S * 1e9)}.")
        rivals = tuple(Variant(f"rival-{number}") for number in range(1, RACERS))
        experiment = replace(record.base, variants=(stock, *rivals), overhead_percent=DEFAULT_OVERHEAD_PERCENT)
        beat = TimeLimit(min(LOOK_S, 0.1 * self._total_s)).beat
        look = look_at_baseline(experiment, self._folder, self._means.start, beat)
        if isinstance(look, int):
            return look
        self._remove_sessions()
        base = settled_unasked(record.base, look.first_look)
        step_ns = look.view.steps.median_ns
        if not step_ns:
            raise ProfilerError("The training has made too few steps for a search. Give it more to do.")
        found = candidates_of(
            self._means.offers, look.view, stock.optimizations, record.wishes.over, record.wishes.without
        )
        start_s = max(0.0, look.duration_s - sum(look.view.steps.durations_ns) / 1e9)
        place = "in copies of the folder" if base.scratch else "in the folder itself"
        order = "in lockstep" if base.lockstep else f"in turn: {base.order_reason}"
        self._means.tell(f"A step takes {units.duration(step_ns)}. Runs are made {place}, {order}.")
        self._keep(
            base=base,
            plain=Plain(step_ns, start_s, sum(process.steps > 0 for process in look.view.processes)),
            switches=tuple(one.name for one in found.switches),
            variants=found.variants,
            left_out=found.left_out,
        )
        return None

    def _measure_effects(self) -> int | None:
        record = self._record
        if record.estimate is not None:
            return None
        assert record.plain is not None
        switches = tuple(map(switch_named, record.switches))
        if not switches or record.plain.processes > 1:
            # Several processes would have to switch in the same step.
            self._keep(estimate=Estimate(), variants=(*record.variants, *map(as_variant, switches)))
            return None
        self._means.tell(f"Stage 1: {', '.join(record.switches)}, switched at random between steps.")
        until_s, latest_s = (self._begin_s + share * self._total_s for share in (EFFECTS_SHARE, EFFECTS_LATEST))
        means = self._means
        watch = Watch(means.tell, self._watch)
        found = live_effects(
            record.base,
            switches,
            record.plain.step_ns,
            self._folder,
            until_s,
            latest_s,
            watch,
            means.start,
            means.clock,
        )
        if isinstance(found, int):
            return found
        out = tuple(Eliminated(one.name, f"{one.state} {one.text}".strip()) for one in found.without_effect)
        if found.reason:
            means.tell(f"Stage 1 was not possible: {found.reason}.")
            rest = tuple(as_variant(one) for one in switches)
            self._keep(estimate=Estimate(), variants=(*record.variants, *rest))
            return None
        self._record = record.with_left_out(out)
        threads = [one.name for one in switches if one.threads]
        best = best_setting(found.sure, [threads])
        hopeful = hopeful_switches(found.sure, best, threads)
        chosen = self._combined(BETWEEN_STEPS, [as_variant(switch_named(name)) for name in best]) if best else None
        open_ones = f"; perhaps {', '.join(hopeful)}" if hopeful else ""
        means.tell(f"Best between steps: {', '.join(best) or 'stock'}{open_ones}.")
        self._keep(estimate=found.found, chosen=chosen, hopeful=hopeful)
        forget_blocks(self._folder)
        return None

    def _race(self) -> int | None:
        if self._record.finalists is not None:
            return None
        chosen = self._record.chosen or self._record.base.variants[0]
        racers = self._racers(chosen)
        while waiting := self._waiting(racers):
            waves = _waves(waiting, RACERS - 1)
            # An equal part of what is left for finding the candidates; the proof has time of its own.
            share = 1 - self._left_s(1.0) / self._total_s * (1 - 1 / len(waves))
            try:
                stopped_by = self._race_wave(chosen, self._in_time(waves[0]), share)
            except ProfilerError as error:
                if self._record.chosen is None:
                    raise
                # In a fresh process, the best of stage 1 does not even run.
                self._record = self._record.with_left_out((Eliminated(chosen.name, str(error)),))
                self._keep(chosen=None)
                return self._race()
            if stopped_by is not None:
                return stopped_by
        ratios = {effect.name: effect.ratio for effect in self._record.raced}
        in_order = sorted(racers, key=lambda one: ratios.get(one.name, 1.0))
        winners, more = (
            [one for one in in_order if one.name in names] for names in (self._record.better, self._record.promising)
        )
        finalists = [self._combined(TUNED, winners)] if winners else []
        more = [*(as_variant(switch_named(name)) for name in self._record.hopeful), *more]
        if more:  # the shootout decides
            finalists.append(self._combined(PROMISING, [*(winners or [chosen]), *more]))
        sure = () if self._record.chosen is None else (chosen,)
        possible = possible_switches(self._record.estimate or Estimate(), chosen)
        if possible and (finalists or sure):  # it is a wager, and nothing to prove by itself
            best = finalists[-1] if finalists else chosen
            finalists.append(self._combined(POSSIBLE, [best, *(as_variant(switch_named(name)) for name in possible)]))
        self._keep(finalists=(*finalists, *sure))
        return None

    def _race_wave(self, chosen: Variant, wave: Sequence[Variant], share: float) -> int | None:
        """Some candidates against the best of stage 1; over at this share of the time."""
        record, means = self._record, self._means
        until_s = self._begin_s + share * self._total_s
        if means.clock.monotonic_s() >= until_s or self._shortest_race_s(len(wave)) > self._left_s(1.0):
            expected = tuple(one.name for one in wave if one.name in ONLY_IF_FOUND)  # their cause is there
            late = [one.name for one in wave if one.name not in expected]
            self._record = record.with_left_out(
                tuple(Eliminated(name, "too little time was left for trying it") for name in late)
            )
            self._keep(promising=(*record.promising, *expected))
            return None
        names = ", ".join(one.name for one in wave)
        means.tell(f"Stage 2: {names}, each in a process of its own, beside {chosen.text}.")
        place = self._folder / f"{RACE_FOLDER}-{record.waves + 1}"
        steps = self._steps(len(wave) + 1, share, self._racing_step_s())
        try:
            place.mkdir(mode=0o700, exist_ok=True)
            if not (place / EXPERIMENT_FILE).exists():
                replace(record.base, variants=(chosen, *wave), steps=steps, certify=False).save(place)
            watch = Watch(means.tell, partial(self._watch, earlier=record.raced))
            outcome = race(place, (chosen, *wave), until_s, watch, means.observer, means.start, means.clock)
        except ProfilerError:
            shutil.rmtree(place, ignore_errors=True)
            raise
        if isinstance(outcome, int):
            return outcome
        shutil.rmtree(place, ignore_errors=True)
        self._record = record.with_left_out(outcome.eliminated)
        self._keep(
            waves=record.waves + 1,
            raced=(*record.raced, *outcome.effects),
            better=(*record.better, *outcome.better),
            promising=(*record.promising, *outcome.promising),
        )
        return None

    def _choose(self) -> None:
        """Prepare the shootout."""
        finalists = self._record.finalists
        place = self._folder / SHOOTOUT_FOLDER
        if not finalists or (place / EXPERIMENT_FILE).exists():
            return
        steps, overhead_percent = FEWEST_PROOF_STEPS, DEFAULT_OVERHEAD_PERCENT
        if self._shortest_proof_s(len(finalists), steps) > self._left_s(PROVEN_BY):
            steps, overhead_percent = FEWEST_STEPS, 0.0  # without windows, a run needs fewer steps
        while len(finalists) > 1 and self._shortest_proof_s(len(finalists), steps) > self._left_s(PROVEN_BY):
            finalists = finalists[:-1]
        variants = (self._record.base.variants[0], *finalists)
        experiment = replace(
            self._record.base,
            variants=variants,
            repeat=GROUPS if self._record.base.lockstep else REPEATS,
            steps=self._steps(len(variants), PROVEN_BY, self._plain_step_s(), steps),
            overhead_percent=overhead_percent,
        )
        place.mkdir(mode=0o700, exist_ok=True)
        experiment.save(place)

    def _shoot_out(self) -> int | None:
        self._choose()
        place = self._folder / SHOOTOUT_FOLDER
        if not self._record.finalists:
            tried = self._record.raced or (self._record.estimate or Estimate()).effects
            self._means.tell("Nothing is better than stock." if tried else "Nothing could be tried.")
            return None
        experiment = load_experiment(place, as_written=True).experiment
        if experiment.pending():
            names = " and ".join(one.text for one in experiment.variants[1:])
            self._means.tell(f"Stage 3: {names}, against stock.")
        outcome = run_experiment(experiment, place, self._means.observer, self._means.start, self._is_proof_over)
        made = outcome.experiment
        if outcome.stopped_by is None and made.pending():
            self._means.tell("Time for the proof is up.")
            replace(made, repeat=1 + max(run.block for run in made.runs)).save(place)
        return outcome.stopped_by

    def _is_proof_over(self, experiment: Experiment) -> bool:
        """Whether there is no time for more runs, and there are enough for a verdict."""
        runs = [experiment.runs_of(variant.name) for variant in experiment.variants]
        sides = [side for side in runs if not any(run.state is RunState.FAILED for run in side)]
        fewest = FEWEST_GROUPS if experiment.lockstep else FEWEST_PAIRS
        if min(sum(run.state is RunState.DONE for run in side) for side in sides) < fewest:
            return False
        longest_s = max(run.duration_s for side in sides for run in side)
        certificate_s = CERTIFIED * longest_s / (len(sides) if experiment.lockstep else 1)  # its runs are in turn
        return self._left_s(PROVEN_BY) < longest_s + certificate_s

    def _certify(self) -> int | None:
        """Check whether the best candidate that was faster trains the same; if not, the next one."""
        place, tell = self._folder / SHOOTOUT_FOLDER, self._means.tell
        stock = self._record.base.variants[0].name
        looked_at: set[str] = set()
        while (name := uncertified_winner(self._folder)) is not None and name not in looked_at:
            looked_at.add(name)
            experiment = load_experiment(place, as_written=True).experiment
            outcome = make_certificate_runs(
                experiment, place, lambda run: tell(f"Certificate: {run}."), self._means.start, (stock, name)
            )
            if outcome.stopped_by is not None:
                return outcome.stopped_by
        return None

    # ---- parts

    def _waiting(self, racers: Sequence[Variant]) -> list[Variant]:
        """Those that have not raced and are not out; those whose cause the first look has found come first."""
        record = self._record
        over = {*(one.name for one in record.raced), *(one.name for one in record.left_out), *record.promising}
        return sorted((one for one in racers if one.name not in over), key=lambda one: one.name not in ONLY_IF_FOUND)

    def _in_time(self, wave: Sequence[Variant]) -> Sequence[Variant]:
        """The first ones, as many as there is time for; one at least."""
        left_s = self._left_s(1.0)
        count = max(
            (number for number in range(1, len(wave) + 1) if self._shortest_race_s(number) <= left_s), default=1
        )
        return wave[:count]

    def _racers(self, chosen: Variant) -> list[Variant]:
        """What races, each on top of the best of stage 1, unless it cannot be combined with that."""
        racers = []
        for one in self._record.variants:
            clash = self._clash(chosen.optimizations, one.optimizations)
            if clash:
                kept = tuple(name for name in chosen.optimizations if name not in clash)
                environment = {**chosen.environment, **one.environment}
                racers.append(replace(one, optimizations=(*kept, *one.optimizations), environment=environment))
            else:
                racers.append(self._combined(one.name, [chosen, one]))
        return racers

    def _combined(self, name: str, parts: Sequence[Variant]) -> Variant:
        """All parts at once; a later one that cannot be combined with the earlier ones is left out."""
        optimizations = list(self._record.base.variants[0].optimizations)
        environment: dict[str, str] = {}
        for part in parts:
            new = [one for one in part.optimizations if one not in optimizations]
            if self._clash(optimizations, new):
                continue
            optimizations += new
            environment |= part.environment
        return Variant(name, tuple(optimizations), environment)

    def _clash(self, some: Sequence[str], others: Sequence[str]) -> set[str]:
        """Those of `some` that conflict with any of `others`."""
        conflicts = {one.name: one.conflicts for one in self._means.offers}
        return {
            one
            for one in some
            for other in others
            if one != other and (other in conflicts.get(one, ()) or one in conflicts.get(other, ()))
        }

    def _steps(self, variants: int, share: float, step_s: float, fewest: int = FEWEST_STEPS) -> int:
        """Steps of a run, so that the groups end within this share of the time."""
        if self._record.wishes.steps is not None:
            return self._record.wishes.steps
        plain = self._record.plain
        assert plain is not None
        processes = variants * GROUPS
        steps_s = self._left_s(share) / processes - plain.start_s
        return int(max(fewest, min(MOST_STEPS, steps_s / step_s)))

    def _left_s(self, share: float) -> float:
        """Until this share of the time is over."""
        return self._begin_s + share * self._total_s - self._means.clock.monotonic_s()

    def _shortest_race_s(self, candidates: int) -> float:
        """Until the first groups of a race are over, with as few steps as possible."""
        plain = self._record.plain
        assert plain is not None
        run_s = plain.start_s + (self._record.wishes.steps or FEWEST_STEPS) * self._racing_step_s()
        return FEWEST_GROUPS * (candidates + 1) * run_s

    def _shortest_proof_s(self, candidates: int, steps: int) -> float:
        """Until there are runs enough for a verdict on so many candidates, and their certificate."""
        plain, fewest = self._record.plain, FEWEST_GROUPS if self._record.base.lockstep else FEWEST_PAIRS
        assert plain is not None
        return (fewest * (candidates + 1) + CERTIFIED) * (plain.start_s + steps * self._plain_step_s())

    def _plain_step_s(self) -> float:
        assert self._record.plain is not None
        return self._record.plain.step_ns / 1e9

    def _racing_step_s(self) -> float:
        """About how long a step takes under the best setting of stage 1, on top of which candidates race."""
        chosen, estimate = self._record.chosen, self._record.estimate
        settings = (
            () if chosen is None else (*chosen.optimizations, *(f"{THREADS}{n}" for n in chosen.environment.values()))
        )
        known = {} if estimate is None else {one.name: one.ratio for one in estimate.effects}
        return self._plain_step_s() * math.prod(known.get(name, 1.0) for name in settings)

    def _remove_sessions(self) -> None:
        """Sessions of looks are not needed any more."""
        for path in self._folder.glob("*-first-look*"):
            shutil.rmtree(path, ignore_errors=True)


def switch_named(name: str) -> Switch:
    """The switch of an optimization or a number of threads."""
    if name.startswith(THREADS):
        return Switch(name, threads=int(name.removeprefix(THREADS)))
    return Switch(name, optimization=name)


def as_variant(switch: Switch) -> Variant:
    """What has the same effect on a whole process."""
    if switch.threads:
        return Variant(switch.name, (), {OWN_THREADS: str(switch.threads)})
    return Variant(switch.name, (switch.optimization,))


def _waves(variants: Sequence[Variant], size: int) -> list[Sequence[Variant]]:
    """Evenly filled groups of at most `size`. What takes long to warm up comes last and by itself: in each group of
    runs, all wait for the slowest."""
    slow = [one for one in variants if SLOW_TO_WARM_UP.intersection(one.optimizations)]
    quick = [one for one in variants if one not in slow]
    count = math.ceil(len(quick) / size)
    return [*(quick[number::count] for number in range(count)), *([slow] if slow else [])]


def hopeful_switches(found: Estimate, best: Sequence[str], threads: Sequence[str]) -> tuple[str, ...]:
    """The switches that look worth having, but are not known to be; no number of threads beside another one."""
    in_order = sorted(found.effects, key=lambda one: one.ratio)
    open_ones = [one.name for one in in_order if one.ratio <= 1 - WORTH and one.high >= 1]
    numbers = [name for name in (*best, *open_ones) if name in threads]
    return tuple(name for name in open_ones if name not in numbers[1:])


def possible_switches(found: Estimate, chosen: Variant) -> tuple[str, ...]:
    """The optimizations that looked neither better nor worse, as there was too little time to know, the best first."""
    in_order = sorted(found.effects, key=lambda one: one.ratio)
    near = (one.name for one in in_order if abs(one.ratio - 1) < WORTH and one.low < 1 - WORTH)
    return tuple(name for name in near if not name.startswith(THREADS) and name not in chosen.optimizations)
