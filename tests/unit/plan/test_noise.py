"""The gradient noise scale from pairs of updates."""

from __future__ import annotations

import numpy as np
import pytest

from profilednn_tui.errors import ProfilerError
from profilednn_tui.plan.convergence import measured_noise_scale
from profilednn_tui.plan.noise import FEWEST_PAIRS, measured_noise
from profilednn_tui.session.view import GradientPair

BATCH, SCALE, SIZE = 32, 100.0, 200


def pairs(count: int, seed: int = 0, scale: float = SCALE) -> list[GradientPair]:
    """Gradients of `SIZE` parameters whose true one has a norm of 1."""
    generator = np.random.default_rng(seed)
    true = np.full(SIZE, SIZE**-0.5)
    spread = (scale / BATCH / SIZE) ** 0.5
    found = []
    for number in range(count):
        one, other = true + spread * generator.standard_normal((2, SIZE))
        found.append(GradientPair(9 + 8 * number, float(one @ one + other @ other) / 2, float(one @ other), 0))
    return found


def test_intervals_hold_the_scale() -> None:
    held = 0
    for seed in range(60):
        found = measured_noise("run", pairs(60, seed), BATCH).scale
        assert found is not None
        assert found.low is not None
        assert found.high is not None
        assert found.value == pytest.approx(SCALE, rel=0.5)
        held += found.low <= SCALE <= found.high
    assert held >= 54


def test_few_pairs_tell_nothing() -> None:
    found = measured_noise("run", pairs(FEWEST_PAIRS - 1), BATCH)
    assert found.scale is None
    assert found.reason == "15 pairs of updates, and 16 are needed"


def test_noise_that_hides_the_gradient_tells_nothing() -> None:
    found = measured_noise("run", pairs(20, scale=1e6), BATCH)
    assert (found.scale, found.reason) == (None, "the noise hides the gradient: record more updates")


def test_its_source_names_the_session_and_the_updates() -> None:
    found = measured_noise_scale(measured_noise("run-1", pairs(60), BATCH), 64)
    assert found.source.startswith("a gradient noise scale of ")
    assert "measured in updates 8 to 481 of run-1 (" in found.source
    assert found.ratio(64) == 1.0


def test_without_a_measurement_it_is_said_how_to_make_one() -> None:
    with pytest.raises(ProfilerError, match="run --gradient-noise"):
        measured_noise_scale(None, 64)
    with pytest.raises(ProfilerError, match="run-1 does not tell its gradient noise scale: 3 pairs"):
        measured_noise_scale(measured_noise("run-1", pairs(3), BATCH), 64)
