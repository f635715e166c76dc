"""Calls that can be repeated as if the first had never happened."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from profilednn_tui.agent.optimizations._probation import Probation, kind_of_call


def net() -> nn.Module:
    return nn.Sequential(nn.Linear(4, 4), nn.BatchNorm1d(4), nn.Dropout(0.5))


def test_random_numbers_and_buffers_are_put_back_in_their_own_storage() -> None:
    np.random.seed(0)
    model, x = net(), torch.randn(8, 4)
    mean = model[1].running_mean
    place = mean.data_ptr()
    probation = Probation(torch, model, (x,), {})
    first = model(x), random.random(), np.random.rand()
    assert probation.why_not_repeatable() == ""
    probation.restore()
    assert mean.data_ptr() == place
    assert not mean.any()
    second = model(x), random.random(), np.random.rand()
    assert torch.equal(first[0], second[0])
    assert first[1:] == second[1:]


def counts(model: Any, x: Any) -> None:
    model.calls = 1


def keeps(model: Any, x: Any) -> None:
    model.seen.append(x)


def writes_input(model: Any, x: Any) -> None:
    x.add_(1)


def writes_parameter(model: Any, x: Any) -> None:
    with torch.no_grad():
        model[0].weight.mul_(2)


def replaces_layer(model: Any, x: Any) -> None:
    model[0] = nn.Linear(4, 4)


@pytest.mark.parametrize("change", [counts, keeps, writes_input, writes_parameter, replaces_layer])
def test_whatever_else_a_call_changes_is_a_reason_not_to_repeat_it(change: Callable[[Any, Any], None]) -> None:
    model: Any = net()
    model.seen = []
    x = torch.randn(8, 4)
    probation = Probation(torch, model, (x,), {})
    change(model, x)
    assert "has changed" in probation.why_not_repeatable()


def test_a_list_among_the_arguments_that_a_call_has_made_longer_is_a_reason_too() -> None:
    model, given = net(), [torch.randn(8, 4)]
    probation = Probation(torch, model, (given,), {})
    given.append(model(given[0]))
    assert "has changed" in probation.why_not_repeatable()


def test_calls_are_of_one_kind_whatever_their_values_and_sizes() -> None:
    model = net()
    one, other = torch.randn(8, 4), torch.randn(3, 4)
    assert kind_of_call(model, True, (one,), {}) == kind_of_call(model, True, (other,), {})
    assert kind_of_call(model, True, (one,), {}) != kind_of_call(model, True, (one.double(),), {})
    assert kind_of_call(model, True, (one,), {}) != kind_of_call(model, False, (one,), {})
    assert kind_of_call(model, True, (one,), {}) != kind_of_call(model.eval(), True, (one,), {})
