"""Recorded updates, and forged ones."""

from __future__ import annotations

from dataclasses import replace

import pytest

from profilednn_tui.protocol.events import LearningEvent, ParametersEvent
from profilednn_tui.session.model import learning
from profilednn_tui.session.model.learning import LearningSeries
from profilednn_tui.session.view import Update

PARAMETERS = ParametersEvent(0, "SGD", ["fc.weight", "fc.bias"], [0, 0], ["float32", "float32"], 0, 1)


def update(number: int, optimizer: int = 0) -> LearningEvent:
    return LearningEvent(optimizer, number, [[1.0, 0.5, 7], [None, "nan", 8]], 1)


def test_updates_belong_to_their_optimizer() -> None:
    series = LearningSeries()
    series.add_parameters(replace(PARAMETERS, optimizer=1, class_name="Adam"))
    series.add_parameters(PARAMETERS)
    series.add_update(update(1))
    first, second = series.view()
    assert (first.class_name, second.class_name, second.updates) == ("SGD", "Adam", ())
    (seen,) = first.updates
    assert seen.gradient_norms == (1.0, None)
    assert seen.movements[1] != seen.movements[1], "nan"
    assert seen == Update(1, seen.gradient_norms, seen.movements, (7, 8))


def test_what_does_not_fit_is_rejected() -> None:
    series = LearningSeries()
    with pytest.raises(ValueError, match="different lengths"):
        series.add_parameters(replace(PARAMETERS, groups=[0]))
    with pytest.raises(ValueError, match="of optimizer 0"):
        series.add_update(update(1))
    series.add_parameters(PARAMETERS)
    with pytest.raises(ValueError, match="1 rows"):
        series.add_update(replace(update(1), rows=[[1.0, 0.5, 7]]))
    series.add_update(update(2))
    with pytest.raises(ValueError, match="once more"):
        series.add_update(update(2))


def test_memory_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(learning, "MOST_ROWS", 5)
    series = LearningSeries()
    for number in range(20):
        series.add_parameters(replace(PARAMETERS, optimizer=number))
    for number in range(1, 10):
        series.add_update(update(number))
    assert len(series.view()) == learning.MOST_OPTIMIZERS
    assert len(series.view()[0].updates) == 2
