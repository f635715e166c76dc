"""Recorded pairs of gradients, and forged ones."""

from __future__ import annotations

import pytest

from profilednn_tui.protocol.events import GradientNoiseEvent
from profilednn_tui.session.model import gradient_noise
from profilednn_tui.session.model.gradient_noise import GradientNoiseSeries
from profilednn_tui.session.view import GradientPair
from tests.unit.session import recordings as r


def test_pairs_are_in_the_view() -> None:
    view = r.view_of(r.hello(), r.training(20), GradientNoiseEvent(9, 2.0, 1.5, 1, 1))
    assert view.gradient_noise == (GradientPair(9, 2.0, 1.5, 1),)
    assert r.view_of(r.hello(), r.training(20)).gradient_noise == ()


@pytest.mark.parametrize(("square", "product"), [(1.0, 1.1), (1.0, -1.1), (-1.0, 0.0), (float("nan"), 0.0)])
def test_what_no_gradients_have_is_rejected(square: float, product: float) -> None:
    with pytest.raises(ValueError, match="gradients with a product"):
        GradientNoiseSeries().add(GradientNoiseEvent(9, square, product, 0, 1))


def test_memory_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gradient_noise, "KEPT_PAIRS", 2)
    series = GradientNoiseSeries()
    for update in (9, 17, 25):
        series.add(GradientNoiseEvent(update, 1.0, 0.5, 0, 1))
    assert [pair.update for pair in series.view()] == [17, 25]
