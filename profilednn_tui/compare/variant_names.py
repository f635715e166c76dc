"""The names of an ablation's variants."""

from __future__ import annotations

from collections.abc import Collection, Sequence

ALL = "all"
"""The variant with all optimizations of the ablation."""
STOCK = "stock"
"""The variant without any optimization."""


def variant_name(switched_on: Collection[str], optimizations: Sequence[str]) -> str:
    """The name of the variant with this subset of all optimizations."""
    if len(switched_on) == len(optimizations):
        return ALL
    if not switched_on:
        return STOCK
    if len(switched_on) == 1:
        return f"only-{next(iter(switched_on))}"
    missing = [name for name in optimizations if name not in switched_on]
    return f"without-{'-'.join(missing)}"


def without(optimizations: Sequence[str], left_out: str) -> tuple[str, ...]:
    """All optimizations but one."""
    return tuple(name for name in optimizations if name != left_out)
