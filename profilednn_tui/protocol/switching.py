"""The plan of a run whose settings change from one block of steps to the next: a file in its session folder."""

from __future__ import annotations

import json
from dataclasses import dataclass


@dataclass(frozen=True)
class Setting:
    """What is in force during a block."""

    optimizations: tuple[str, ...] = ()
    """Those that are on, among the ones that can be switched between steps."""
    threads: int = 0
    """Intra-op threads; 0 for as many as the program has."""


@dataclass(frozen=True)
class SwitchingPlan:
    """Which setting comes when. After the last block, the first setting comes again."""

    first_steps: int
    """Steps before the first block, in which everything is on."""
    block_steps: int
    settings: tuple[Setting, ...]

    def setting(self, block: int) -> Setting:
        """The setting of a block, counted from 0."""
        return self.settings[block % len(self.settings)]


def encode_plan(plan: SwitchingPlan) -> str:
    """As JSON."""
    settings = [[list(one.optimizations), one.threads] for one in plan.settings]
    return json.dumps({"first_steps": plan.first_steps, "block_steps": plan.block_steps, "settings": settings})


def decode_plan(text: str) -> SwitchingPlan:
    """The plan in a file; raises `ValueError` if it is none."""
    try:
        body = json.loads(text)
        settings = tuple(Setting(tuple(map(str, names)), int(threads)) for names, threads in body["settings"])
        plan = SwitchingPlan(int(body["first_steps"]), int(body["block_steps"]), settings)
    except (TypeError, KeyError) as error:
        raise ValueError(f"no switching plan: {error}") from None
    if plan.block_steps < 1 or not plan.settings:
        raise ValueError("no switching plan: it has no blocks")
    return plan
