"""What each optimization contributes."""

from __future__ import annotations

import numpy as np
import pytest

from profilednn_tui.compare.ablation import contributions
from profilednn_tui.compare.variant_names import ALL, STOCK
from profilednn_tui.experiment.ablation import ablation_variants
from profilednn_tui.experiment.variants import Variant
from tests.unit.compare.sides import MS, settled


def test_the_contributions_multiply_to_the_total_when_they_are_independent() -> None:
    factors = {"a": 0.5, "b": 0.8, "c": 0.9}
    variants = ablation_variants(Variant("all", tuple(factors)))
    assert len(variants) == 8
    assert (variants[0].name, variants[1].name) == (STOCK, ALL)
    steps = {
        variant.name: [
            settled(np.full(10, 20 * MS * float(np.prod([factors[name] for name in variant.optimizations]))))
        ]
        * 4
        for variant in variants
    }
    found = contributions(tuple(factors), steps)
    assert found.total is not None
    assert found.total.ratio == pytest.approx(0.36)
    assert [row.left_out and row.left_out.ratio for row in found.rows] == pytest.approx([0.5, 0.8, 0.9])
    assert (found.product_alone, found.product_left_out) == pytest.approx((0.36, 0.36))


def test_two_optimizations_need_four_variants() -> None:
    """Leaving out one of two optimizations is the same as enabling the other alone."""
    variants = ablation_variants(Variant("all", ("a", "b"), {"OMP_NUM_THREADS": "4"}))
    assert [variant.name for variant in variants] == ["stock", "all", "only-b", "only-a"]
    assert all(variant.environment == {"OMP_NUM_THREADS": "4"} for variant in variants)
