"""The random state and inputs at the beginning of a training run."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from profilednn_tui.agent.steps.first_inputs import FirstInputs
from profilednn_tui.protocol.events import FirstInputsEvent


def first(*arguments: Any, seed: int = 3, **keywords: Any) -> FirstInputsEvent:
    """What is reported about a run that begins with a call."""
    told: list[FirstInputsEvent] = []
    torch.manual_seed(seed)
    looks = FirstInputs(torch, told.append)
    looks.look(arguments, keywords)
    looks.look((torch.zeros(9),), {})
    (event,) = told
    return event


X = torch.arange(12.0).reshape(3, 4)


def test_the_same_seed_and_inputs_have_the_same_checksums() -> None:
    one, other = first(X, [X + 1], mask=X > 3), first(X.clone(), [X + 1], mask=X > 3)
    assert (one.generator_crc32, one.inputs_crc32) == (other.generator_crc32, other.inputs_crc32)
    assert one.seed == 3


@pytest.mark.parametrize("changed", [X + 1e-6, X.reshape(4, 3), X.double(), X.flip(0)])
def test_other_inputs_have_another_one(changed: torch.Tensor) -> None:
    assert first(X).inputs_crc32 != first(changed).inputs_crc32


def test_another_seed_is_told_by_the_generator() -> None:
    one, other = first(X), first(X, seed=4)
    assert one.inputs_crc32 == other.inputs_crc32
    assert one.generator_crc32 != other.generator_crc32


def test_looking_draws_no_random_number() -> None:
    torch.manual_seed(5)
    expected = torch.rand(3)
    torch.manual_seed(5)
    FirstInputs(torch, [].append).look((X,), {})
    assert torch.equal(torch.rand(3), expected)


def test_tensors_whose_memory_cannot_be_read_are_told_by_their_shape() -> None:
    assert first(X.to_sparse()).inputs_crc32 != first(torch.ones(2, 2).to_sparse()).inputs_crc32
    assert first(X.t()).inputs_crc32 == first((X + 1).t()).inputs_crc32
    assert first(torch.empty(3, device="meta")).inputs_crc32


def test_objects_of_the_program_are_left_alone() -> None:
    class Batch(dict):  # type: ignore[type-arg]
        def values(self) -> Any:
            raise AssertionError("it was asked")

    assert first(Batch(x=X)).inputs_crc32 == 0
