"""The syntax of variants."""

from __future__ import annotations

import pytest

from profilednn_tui.errors import ProfilerError
from profilednn_tui.experiment.variants import Variant, parse_variant


def test_a_variant_is_spelled_with_optimizations_variables_and_an_interpreter() -> None:
    text = 'fast=bf16,channels_last,OMP_NUM_THREADS=4,KMP_AFFINITY="granularity=fine,compact,1,0",python=/v/bin/python'
    variant = parse_variant(text)
    assert variant.optimizations == ("bf16", "channels_last")
    assert variant.environment == {"OMP_NUM_THREADS": "4", "KMP_AFFINITY": "granularity=fine,compact,1,0"}
    assert (variant.name, variant.python) == ("fast", "/v/bin/python")


def test_a_variant_may_have_nothing_switched_on() -> None:
    assert parse_variant("stock=") == Variant("stock")


@pytest.mark.parametrize("text", ["fast", "=bf16", "a b=bf16", "fast=1X=2", 'fast=A="b'])
def test_a_variant_that_is_none_is_refused_with_a_sentence(text: str) -> None:
    with pytest.raises(ProfilerError, match="variant"):
        parse_variant(text)
