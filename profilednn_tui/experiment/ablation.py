"""The variants of an ablation: the subsets of the optimizations that are run."""

from __future__ import annotations

from profilednn_tui.compare.variant_names import variant_name, without
from profilednn_tui.experiment.variants import Variant


def ablation_variants(whole: Variant) -> tuple[Variant, ...]:
    """No optimization, all, all but one, and each one alone; every subset once, baseline first.

    All variants have the environment and interpreter of `whole`; only its optimizations vary.
    """
    every = whole.optimizations
    subsets = [(), every, *(without(every, name) for name in every), *((name,) for name in every)]
    return tuple(
        Variant(variant_name(subset, every), subset, whole.environment, whole.python)
        for subset in dict.fromkeys(subsets)
    )
