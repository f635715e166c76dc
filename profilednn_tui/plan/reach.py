"""How far measured points carry: which settings lie between them, and which beyond."""

from __future__ import annotations

import math
from collections.abc import Collection
from dataclasses import dataclass
from enum import Enum

from profilednn_tui.plan.points import Setting

FARTHEST = 2.0
"""Factor beyond what was measured, in ranks, threads or batch, from which nothing is said."""
_AXES = ("ranks", "threads", "batch")


class Kind(Enum):
    """What is known about a setting."""

    MEASURED = "measured"
    PREDICTED = "predicted"
    """It lies between measured ones."""
    ASSUMED = "assumed"
    """It lies beyond them: only bounds hold."""
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Reach:
    """What is known about one setting, and from where."""

    kind: Kind
    edge: Setting
    """The nearest setting that the points carry; itself if they do."""
    reason: str = ""
    """Why it is only assumed, or unknown."""


def reach(setting: Setting, measured: Collection[Setting]) -> Reach:
    """Whether points at `measured`, which must be some, carry a setting."""
    if setting in measured:
        return Reach(Kind.MEASURED, setting)
    for axis in _AXES:
        levels = {getattr(one, axis) for one in measured}
        if len(levels) == 1 and getattr(setting, axis) not in levels:
            return Reach(Kind.UNKNOWN, setting, f"all points have {_words(axis, levels.pop())}")
    edge = _edge(setting, measured)
    if edge == setting:
        return Reach(Kind.PREDICTED, setting)
    if max(abs(math.log2(factor)) for factor in _factors(setting, edge)) > math.log2(FARTHEST):
        return Reach(Kind.UNKNOWN, edge, f"more than {FARTHEST:g} times beyond what was measured")
    return Reach(Kind.ASSUMED, edge, "beyond what was measured: between no gain and a perfect one over the nearest")


def step_bounds(setting: Setting, edge: Setting) -> tuple[float, float]:
    """The step of a setting over that of its edge, at least and at most.

    More ranks, and more samples per rank, leave a step as long at best, and prolong it by the same factor at worst;
    more threads shorten it by their factor at best, and not at all at worst.
    """
    ranks, threads, batch = _factors(setting, edge)
    factors = (ranks, 1 / threads, batch)
    return math.prod(min(1.0, one) for one in factors), math.prod(max(1.0, one) for one in factors)


def memory_bounds(setting: Setting, edge: Setting) -> tuple[float, float]:
    """The same for the memory of a rank, of which only the batch is known to change much."""
    batch = setting.batch / edge.batch
    return min(1.0, batch), max(1.0, batch)


def _edge(setting: Setting, measured: Collection[Setting]) -> Setting:
    """The setting itself if points with as few and as many ranks and threads surround it, and their batches do."""
    pairs = {(one.ranks, one.threads) for one in measured}
    ranks, threads = setting.ranks, setting.threads
    below = any(one[0] <= ranks and one[1] <= threads for one in pairs)
    above = any(one[0] >= ranks and one[1] >= threads for one in pairs)
    if not (below and above):
        ranks, threads = min(pairs, key=lambda one: (_distance(setting, *one), -one[0], one[1]))
    batches = [one.batch for one in measured]
    return Setting(ranks, threads, min(max(setting.batch, min(batches)), max(batches)))


def _distance(setting: Setting, ranks: int, threads: int) -> float:
    return abs(math.log2(setting.ranks / ranks)) + abs(math.log2(setting.threads / threads))


def _factors(setting: Setting, edge: Setting) -> tuple[float, float, float]:
    return setting.ranks / edge.ranks, setting.threads / edge.threads, setting.batch / edge.batch


def _words(axis: str, level: int) -> str:
    if axis == "batch":
        return f"batch {level}"
    return f"{level} {axis.removesuffix('s') if level == 1 else axis}"
