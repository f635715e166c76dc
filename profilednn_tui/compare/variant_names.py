"""What the variants of an ablation are called."""

from __future__ import annotations

from collections.abc import Collection, Sequence

ALL = "all"
"""The variant with every optimization of the ablation switched on."""
STOCK = "stock"
"""The variant with nothing switched on."""


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


def without(optimizations: Sequence[str], left_out: str) -> tuple[str, ...]:
    """All optimizations but one."""
    return tuple(name for name in optimizations if name != left_out)
