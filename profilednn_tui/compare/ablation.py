"""What each optimization contributes: measured by leaving it out of all, and by switching it on alone."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from profilednn_tui.compare.intervals import Interval, ratio_interval
from profilednn_tui.compare.samples import FairSteps
from profilednn_tui.compare.variant_names import variant_name, without


@dataclass(frozen=True, slots=True)
class Contribution:
    """One optimization, as factors of the step time: below one is faster."""

    optimization: str
    left_out: Interval | None
    """All of them against all but this one."""
    alone: Interval | None
    """This one against none."""


@dataclass(frozen=True, slots=True)
class Ablation:
    """The table of contributions."""

    total: Interval | None
    """All against none."""
    rows: tuple[Contribution, ...]

    @property
    def product_left_out(self) -> float | None:
        """Of all factors: equal to the total if no optimization helped or hindered another."""
        return _product([row.left_out for row in self.rows])

    @property
    def product_alone(self) -> float | None:
        return _product([row.alone for row in self.rows])


def contributions(optimizations: Sequence[str], steps: Mapping[str, Sequence[FairSteps]]) -> Ablation:
    """The table from the settled steps of each variant's runs, by the variant's name."""

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
