"""Which setting comes in which block: at random, and balanced."""

from __future__ import annotations

import random
from collections.abc import Sequence

from profilednn_tui.compare.factorial import Switch
from profilednn_tui.protocol.switching import Setting, SwitchingPlan

SEED = 20
"""The same switches always get the same design."""
BLOCKS = 2_000
"""After that, the design is repeated."""
BLOCK_STEPS = 6
FIRST_STEPS = 8
"""Optimizations observe the first steps of a training, and some begin only then."""


def designed(
    switches: Sequence[Switch], block_steps: int = BLOCK_STEPS, blocks: int = BLOCKS, first_steps: int = FIRST_STEPS
) -> SwitchingPlan:
    """A random setting in every other block, and its opposite in the next, so that each switch changes evenly often.

    Numbers of threads exclude each other: each block has one of them or the program's own, all equally often.
    """
    chance = random.Random(SEED)
    optimizations = [one.optimization for one in switches if one.optimization]
    threads = [0, *(one.threads for one in switches if one.threads)]
    settings: list[Setting] = []
    queue: list[int] = []
    while len(settings) < blocks:
        on = {name for name in optimizations if chance.random() < 0.5}
        for names in (on, set(optimizations) - on):
            if not queue:
                queue = chance.sample(threads, len(threads))
            settings.append(Setting(tuple(sorted(names)), queue.pop()))
    return SwitchingPlan(first_steps, block_steps, tuple(settings[:blocks]))


def switches_on(setting: Setting, switches: Sequence[Switch]) -> frozenset[str]:
    """The names of the switches that a setting has on."""
    return frozenset(
        one.name
        for one in switches
        if (one.optimization and one.optimization in setting.optimizations)
        or (one.threads and one.threads == setting.threads)
    )
