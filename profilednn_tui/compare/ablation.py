"""What each optimization contributes: measured by leaving it out of all, and by switching it on alone."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from profilednn_tui.compare.intervals import Interval, ratio_interval
from profilednn_tui.compare.samples import FairSteps
from profilednn_tui.compare.variants import STOCK, Variant

ALL = "all"


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


def variant_name(switched_on: Collection[str], optimizations: Sequence[str]) -> str:
    """What the variant with this subset of all optimizations is called."""
    if len(switched_on) == len(optimizations):
        return ALL
    if not switched_on:
        return STOCK
    if len(switched_on) == 1:
        return f"only-{next(iter(switched_on))}"
    missing = [name for name in optimizations if name not in switched_on]
    return f"without-{'-'.join(missing)}"


def ablation_variants(whole: Variant) -> tuple[Variant, ...]:
    """None, all, all but one, and each one alone; every subset once, the baseline first.

    Environment and interpreter are those of `whole` everywhere: only its optimizations are taken apart.
    """
    every = whole.optimizations
    subsets = [(), every, *(_without(every, name) for name in every), *((name,) for name in every)]
    return tuple(
        Variant(variant_name(subset, every), subset, whole.environment, whole.python)
        for subset in dict.fromkeys(subsets)
    )


def contributions(optimizations: Sequence[str], steps: Mapping[str, Sequence[FairSteps]]) -> Ablation:
    """The table from the settled steps of each variant's runs, by the variant's name."""

    def interval(baseline: Sequence[str], candidate: Sequence[str]) -> Interval | None:
        sides = [steps.get(variant_name(subset, optimizations), ()) for subset in (baseline, candidate)]
        return ratio_interval(sides[0], sides[1]) if all(sides) else None

    rows = [
        Contribution(name, left_out=interval(_without(optimizations, name), optimizations), alone=interval((), (name,)))
        for name in optimizations
    ]
    return Ablation(interval((), optimizations), tuple(rows))


def _without(optimizations: Sequence[str], left_out: str) -> tuple[str, ...]:
    return tuple(name for name in optimizations if name != left_out)


def _product(factors: Sequence[Interval | None]) -> float | None:
    known = [factor.ratio for factor in factors if factor is not None]
    return math.prod(known) if known and len(known) == len(factors) else None
