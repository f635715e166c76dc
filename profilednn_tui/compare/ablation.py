"""What each optimization contributes, measured by leaving only it out and by enabling it alone."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from profilednn_tui.compare.intervals import Interval, ratio_interval
from profilednn_tui.compare.samples import FairSteps
from profilednn_tui.compare.variant_names import variant_name, without


@dataclass(frozen=True, slots=True)
class Contribution:
    """The effect of one optimization as factors of the step time: below 1 is faster."""

    optimization: str
    left_out: Interval | None
    """All optimizations relative to all but this one."""
    alone: Interval | None
    """This optimization alone relative to none."""


@dataclass(frozen=True, slots=True)
class Ablation:
    """The contributions of all optimizations."""

    total: Interval | None
    """All optimizations relative to none."""
    rows: tuple[Contribution, ...]

    @property
    def product_left_out(self) -> float | None:
        """Product of all left-out factors; equals the total if the optimizations do not interact."""
        return _product([row.left_out for row in self.rows])

    @property
    def product_alone(self) -> float | None:
        """Product of all alone factors; equals the total if the optimizations do not interact."""
        return _product([row.alone for row in self.rows])


def contributions(optimizations: Sequence[str], steps: Mapping[str, Sequence[FairSteps]]) -> Ablation:
    """Compute the contributions; `steps` has each variant's runs, without warm-up, by variant name."""

    def interval(baseline: Sequence[str], candidate: Sequence[str]) -> Interval | None:
        sides = [steps.get(variant_name(subset, optimizations), ()) for subset in (baseline, candidate)]
        return ratio_interval(sides[0], sides[1]) if all(sides) else None

    rows = [
        Contribution(name, left_out=interval(without(optimizations, name), optimizations), alone=interval((), (name,)))
        for name in optimizations
    ]
    return Ablation(interval((), optimizations), tuple(rows))


def _product(factors: Sequence[Interval | None]) -> float | None:
    known = [factor.ratio for factor in factors if factor is not None]
    return math.prod(known) if known and len(known) == len(factors) else None
