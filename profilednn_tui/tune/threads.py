"""Finds the best number of threads of a training that runs, by switching between candidates at step boundaries.

A number of threads changes results by the order of sums at most, so that this may be done to a training whose weights
somebody keeps.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from profilednn_tui import units
from profilednn_tui.clock import Clock
from profilednn_tui.compare.factorial import Block, Effect, Switch, estimate, undecided
from profilednn_tui.errors import ProfilerError
from profilednn_tui.protocol.events import Command
from profilednn_tui.protocol.vocabulary import SET_THREADS
from profilednn_tui.session.open_session import OpenSession
from profilednn_tui.session.view import SessionView
from profilednn_tui.tune.blocks import blocks_of
from profilednn_tui.tune.candidates import thread_switches
from profilednn_tui.tune.design import designed
from profilednn_tui.tune.factorial import FEWEST_BLOCKS, LOOK_ERROR, REPORTED_ERROR, WORTH, block_steps
from profilednn_tui.tune.live_plan import follow_plan

LONGEST_S = 60.0
LOOK_S = 1.0
MARGIN_S = 0.5
"""The plan begins so far ahead at least: the agent looks for commands a few times a second."""

Tell = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class ThreadsFound:
    """What the numbers of threads do to the step time, beside the program's own."""

    own: int
    effects: tuple[Effect, ...]
    counts: tuple[int, ...]
    """The number of threads of each effect."""

    @property
    def best(self) -> int:
        """The number with the shortest steps beyond doubt; the program's own if none is better than that."""
        better = [(one.ratio, count) for one, count in zip(self.effects, self.counts, strict=True) if one.high < 1]
        return min(better)[1] if better else self.own


def find_threads(
    session: OpenSession, tell: Tell, clock: Clock, follow: Callable[[float], None], longest_s: float = LONGEST_S
) -> ThreadsFound:
    """Switch a live session between its candidates until it is known which is best, at most `longest_s`.

    `follow` waits for some seconds and reads what was recorded meanwhile. In the end, the training has its own number
    of threads again. Raises a `ProfilerError` if the training cannot be switched, or makes no steps.
    """
    view = session.view()
    switches = thread_switches(view)
    _check(view, switches)
    own, step_ns = view.target.intra_op_threads or 1, view.steps.median_ns or 0.0
    begin = view.steps.count + max(2, round(MARGIN_S * 1e9 / step_ns))
    plan = designed(switches, block_steps=block_steps(step_ns), first_steps=begin)
    if not follow_plan(session, plan):
        raise ProfilerError("The training does not run any more, so nothing can be switched.")
    until_s = clock.monotonic_s() + longest_s
    blocks: tuple[Block, ...] = ()
    try:
        while session.view().live and clock.monotonic_s() < until_s:
            follow(LOOK_S)
            blocks = blocks_of(session.view().steps, plan, switches)
            if len(blocks) < FEWEST_BLOCKS // 2:
                continue
            look = estimate(blocks, switches, LOOK_ERROR)
            if look.effects:
                tell(", ".join(f"{one.name} {units.change(one.ratio)}" for one in look.effects))
                if not undecided(look, WORTH):
                    break
    finally:
        session.send(Command(SET_THREADS, 0))
    enough = len(blocks) >= FEWEST_BLOCKS // 2
    effects = estimate(blocks, switches, REPORTED_ERROR / len(switches)).effects if enough else ()
    if not effects:
        raise ProfilerError(
            f"The training has made too few steps in {units.duration(longest_s * 1e9)} to tell. Its steps take "
            f"{units.duration(step_ns)}."
        )
    counts = {one.name: one.threads for one in switches}
    return ThreadsFound(own, effects, tuple(counts[one.name] for one in effects))


def _check(view: SessionView, switches: tuple[Switch, ...]) -> None:
    trains = sum(process.steps > 0 and not process.ended for process in view.processes)
    if trains > 1:
        raise ProfilerError(f"{units.count(trains)} processes train here, and share the cores: set OMP_NUM_THREADS.")
    if not view.live or not view.steps.median_ns:
        raise ProfilerError("The training has made no steps yet, or has ended: there is nothing to switch.")
    if not switches:
        raise ProfilerError("The training may use one core only: one thread is the best number.")
