"""Stage 1: switches everything that can be switched between steps, at random, in one running training."""

from __future__ import annotations

import math
import shutil
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from profilednn_tui import units
from profilednn_tui.clock import Clock
from profilednn_tui.compare.factorial import Block, Estimate, Switch, estimate, undecided
from profilednn_tui.compare.runs import read_run
from profilednn_tui.experiment.plan import Experiment
from profilednn_tui.experiment.runner import Starter, run_options, scratch_command, target_of, why_failed
from profilednn_tui.experiment.scratch import ScratchCopies
from profilednn_tui.protocol.events import Command
from profilednn_tui.protocol.switching import SwitchingPlan
from profilednn_tui.protocol.vocabulary import ASKED, ON, STOP_AFTER
from profilednn_tui.session.open_session import OpenSession, open_session
from profilednn_tui.session.view import Optimization, SessionView, Steps
from profilednn_tui.tune.blocks import blocks_of, keep_blocks, kept_blocks
from profilednn_tui.tune.design import BLOCK_STEPS, FIRST_STEPS, designed
from profilednn_tui.tune.live_plan import follow_plan
from profilednn_tui.tune.watch import Watch

NAME = "effects"
LOOK_S = 5.0
WORTH = 0.02
"""A switch that cannot win so much is not worth more time."""
LOOK_ERROR, REPORTED_ERROR = 0.005, 0.05
"""Probability that an interval misses: where it decides whether to go on, many times, and where it is reported."""
FEWEST_BLOCKS = 30
BLOCK_S = 0.06
"""Blocks are so long at least: after a switch, the caches have to fill again."""
MOST_BLOCK_STEPS = 60
SLOW_STEP_S, SLOW_BLOCK_STEPS = 0.25, 3
"""Steps of that duration have settled after one."""
AHEAD_S = 0.5
"""Another plan begins so far ahead at least: the agent looks for commands a few times a second."""
SHORTEST_RUN_BLOCKS = 5
"""A training that ends by itself after fewer blocks is not started again."""


@dataclass(frozen=True, slots=True)
class LiveEffects:
    """What stage 1 has found."""

    found: Estimate
    """With intervals at 95 %."""
    sure: Estimate
    """With intervals that all hold at once, at 95 %: for choosing."""
    without_effect: tuple[Optimization, ...] = ()
    """Optimizations that were not on, with the reason."""
    reason: str = ""
    """Why there are no effects, if so."""


def live_effects(
    experiment: Experiment,
    switches: Sequence[Switch],
    step_ns: float,
    folder: Path,
    until_s: float,
    latest_s: float,
    watch: Watch,
    start: Starter,
    clock: Clock,
) -> LiveEffects | int:
    """Run the baseline with all switches until each is known to be worth it or not, or until `until_s` (monotonic); if
    there are too few blocks for any effect by then, until there are enough, or `latest_s`.

    What cannot be worth it stays off for the rest. A training that ends early is started again. Returns the signal if
    one has stopped it; the blocks so far stay in the folder, from where it goes on when it is called again.
    """
    plan = designed(switches, block_steps=block_steps(step_ns))
    watching = _Watching(switches, plan, folder, until_s, latest_s, watch, clock)
    outcome: LiveEffects | int | None = None
    while outcome is None:
        outcome = _run(experiment, switches, watching, folder, start)
    return outcome


def block_steps(step_ns: float) -> int:
    """How many steps a block has: fewer if steps are slow, so that many settings have their turn."""
    if step_ns >= SLOW_STEP_S * 1e9:
        return SLOW_BLOCK_STEPS
    return max(BLOCK_STEPS, min(MOST_BLOCK_STEPS, math.ceil(BLOCK_S * 1e9 / step_ns))) if step_ns else BLOCK_STEPS


def _run(
    experiment: Experiment, switches: Sequence[Switch], watching: _Watching, folder: Path, start: Starter
) -> LiveEffects | int | None:
    """One process; None if another one is needed."""
    baseline = experiment.variants[0]
    names = tuple(one.optimization for one in watching.at_play if one.optimization)
    options = replace(
        run_options(experiment, baseline, 0),
        overhead_percent=0.0,
        steps=None,
        optimizations=(*baseline.optimizations, *names),
        switching=watching.begin_process(),
        name=NAME,
    )
    with ScratchCopies(folder) as copies:
        if experiment.scratch:
            command = scratch_command(experiment, baseline, copies, NAME)
        else:
            command = target_of(experiment, baseline)
        (ended,) = start([(command, options)], folder, watching.beat)
        if ended.stopped_by is not None:
            shutil.rmtree(ended.folder, ignore_errors=True)
            return ended.stopped_by
        with open_session(ended.folder) as session:
            run = read_run(session, ended.folder.name)
            failure = why_failed(ended, run, session)
    new_blocks = watching.end_process(run.view)
    shutil.rmtree(ended.folder, ignore_errors=True)
    off = without_effect(run.view, switches)
    if failure and not watching.blocks:
        return LiveEffects(Estimate(), Estimate(), off, failure)
    if not (failure or watching.enough or new_blocks < SHORTEST_RUN_BLOCKS):
        return None
    at_work = _without(switches, off)
    found, sure = (
        estimate(watching.blocks, at_work, error) for error in (REPORTED_ERROR, REPORTED_ERROR / len(switches))
    )
    reason = "" if found.effects else failure or watching.why_too_few(run.view.steps)
    return LiveEffects(found, sure, off, reason)


def without_effect(view: SessionView, switches: Sequence[Switch]) -> tuple[Optimization, ...]:
    """The optimizations among these switches that do nothing, with the reason."""
    names = {one.optimization for one in switches}
    return tuple(one for one in view.optimizations if one.name in names and one.state not in (ON, ASKED))


def _without(switches: Sequence[Switch], off: Sequence[Optimization]) -> tuple[Switch, ...]:
    """Without those that did nothing: they explain nothing, and each takes a block."""
    gone = {one.name for one in off}
    return tuple(one for one in switches if one.name not in gone)


class _Watching:
    """Follows the running process and ends it when enough is known."""

    def __init__(
        self,
        switches: Sequence[Switch],
        plan: SwitchingPlan,
        folder: Path,
        until_s: float,
        latest_s: float,
        watch: Watch,
        clock: Clock,
    ) -> None:
        self._switches = switches
        self.at_play = tuple(switches)
        """Those that may still be worth it, which the plan is about."""
        self._plan = plan
        self._folder = folder
        self._until_s = until_s
        self._latest_s = latest_s
        self._watch = watch
        self._clock = clock
        self._earlier = kept_blocks(folder)
        self._newest = 0
        """Blocks of the plan in the last process."""
        self._process = max((block.process for block in self._earlier), default=-1)
        self._session: OpenSession | None = None
        self._next_look_s = 0.0
        self.blocks = self._earlier
        self.enough = False
        self._has_effects = False
        """Whether there are enough blocks to tell effects from."""
        self._asked = False
        """Whether the process was asked to end."""

    def begin_process(self) -> SwitchingPlan:
        """The plan of the next process, which goes on where the last one ended."""
        self._process += 1
        self._asked = False
        done = self._newest % len(self._plan.settings)
        settings = (*self._plan.settings[done:], *self._plan.settings[:done])
        self._plan = replace(self._plan, first_steps=FIRST_STEPS, settings=settings)
        return self._plan

    def beat(self, session: Path, elapsed_s: float) -> None:
        """Called about once a second."""
        now_s = self._clock.monotonic_s()
        if self._asked or now_s < self._next_look_s:
            return
        if self._session is None:
            self._session = open_session(session, started_here=True)
        self._session.catch_up()
        view = self._session.view()
        found = self._look(view)
        self._next_look_s = max(now_s + LOOK_S, 2 * self._clock.monotonic_s() - now_s)
        if self.enough or self._time_is_up(now_s):
            self.enough = True
            self._asked = self._session.send(Command(STOP_AFTER, 1)) > 0
        else:
            self._narrow(found, view, self._session)

    def end_process(self, view: SessionView) -> int:
        """Keep its blocks; returns their number, under whatever plan."""
        if self._session is not None:
            self._session.close()
            self._session = None
        self._next_look_s = 0.0
        new = self._read(view.steps)
        self._newest = len(new)
        self.blocks = self._earlier = (*self._earlier, *new)
        self._estimate(view)
        self.enough = self.enough or self._time_is_up(self._clock.monotonic_s())
        return sum(block.process == self._process for block in self.blocks)

    def why_too_few(self, steps: Steps) -> str:
        """Why there are not enough blocks for any effect, given the steps of the last process."""
        measured = f"only {units.counted(len(self.blocks), 'block')} of {self._plan.block_steps} steps were measured"
        return (
            measured
            if self._asked
            else f"{measured}: the training ends by itself after {units.counted(steps.count, 'step')}"
        )

    def _estimate(self, view: SessionView) -> Estimate:
        at_work = _without(self._switches, without_effect(view, self._switches))
        found = estimate(self.blocks, at_work, LOOK_ERROR)
        self._has_effects = bool(found.effects)
        return found

    def _time_is_up(self, now_s: float) -> bool:
        return now_s >= (self._until_s if self._has_effects else self._latest_s)

    def _look(self, view: SessionView) -> Estimate:
        self.blocks = (*self._earlier, *self._read(view.steps))
        keep_blocks(self._folder, self.blocks)
        found = self._estimate(view)
        if found.effects:
            self._watch.tell(effects_line(found))
            self._watch.effects(found.effects)
            open_ones = {one.name for one in self.at_play}.intersection(undecided(found, WORTH))
            self.enough = not open_ones and len(self.blocks) >= FEWEST_BLOCKS
        return found

    def _narrow(self, found: Estimate, view: SessionView, session: OpenSession) -> None:
        """Go on without what cannot be worth it: its blocks take the longest, and tell the least."""
        gone = {one.name for one in found.effects if one.low > 1 - WORTH}
        left = tuple(one for one in self.at_play if one.name not in gone)
        if not left or left == self.at_play:
            return
        ahead = math.ceil(AHEAD_S * 1e9 / (view.steps.median_ns or AHEAD_S * 1e9))
        plan = designed(left, self._plan.block_steps, first_steps=view.steps.count + max(2, ahead))
        if follow_plan(session, plan):
            self._earlier, self._newest = self.blocks, 0
            self.at_play, self._plan = left, plan

    def _read(self, steps: Steps) -> tuple[Block, ...]:
        return blocks_of(steps, self._plan, self._switches, self._process)


def effects_line(found: Estimate) -> str:
    """All effects in one line: ``212 blocks: channels_last 0.81x, threads=1 1.32x``"""
    effects = ", ".join(f"{one.name} {units.change(one.ratio)}" for one in found.effects)
    return f"{units.counted(found.blocks, 'block')} of steps: {effects}."
