"""What counts as a change of a dataset, and what cannot be followed."""

from __future__ import annotations

import random
import threading
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from profilednn_tui.agent.optimizations import Declined
from profilednn_tui.agent.optimizations._data_state import batch_state, data_state, extent, random_state

LIMITS = {"low": 1}


class Images:
    """A dataset with state of many kinds."""

    def __init__(self) -> None:
        self.scale = 1.0
        self.table = {"a": [1, 2]}
        self.tensor = torch.zeros(4)
        self.array = np.zeros(4)
        self.own = random.Random(3)
        self.generator = np.random.default_rng(3)
        self.names = [str(number) for number in range(1000)]

    def __getitem__(self, index: int) -> Any:
        return self.tensor[index] * LIMITS["low"]


def draw(images: Images) -> None:
    images.generator.random()


@pytest.mark.parametrize(
    "change",
    [
        lambda images: setattr(images, "scale", 2.0),
        lambda images: images.table["a"].append(3),
        lambda images: images.tensor.add_(1),
        lambda images: images.array.__setitem__(2, 5.0),
        lambda images: images.own.random(),
        draw,
        lambda images: images.names.append("new"),
        lambda images: images.names.__setitem__(3, "other"),
        lambda images: setattr(images, "new", None),
        lambda images: LIMITS.__setitem__("low", LIMITS["low"] + 1),
    ],
)
def test_each_change_shows(change: Any) -> None:
    images = Images()
    before = data_state(torch, images)
    images[0]
    assert data_state(torch, images) == before, "reading is no change"
    change(images)
    assert data_state(torch, images) != before


def test_items_beyond_the_first_ones_count_where_all_are_asked_for() -> None:
    images = Images()
    before = data_state(torch, images, all_items=True)
    images.names[900] = "other"
    assert data_state(torch, images, all_items=True) != before


@pytest.mark.parametrize("held", [threading.Lock(), (number for number in range(3))])
def test_what_cannot_be_followed_is_declined(held: Any) -> None:
    images = Images()
    images.table["x"] = held
    with pytest.raises(Declined, match="other processes may not be able to use"):
        data_state(torch, images)


def test_an_open_file_is_declined() -> None:
    images = Images()
    with Path(__file__).open("rb") as stream:
        images.table["file"] = stream  # type: ignore[assignment]
        with pytest.raises(Declined, match=r"_io\.BufferedReader"):
            data_state(torch, images)


def test_too_many_objects_are_declined() -> None:
    images = Images()
    images.table = {str(number): [[[number, deep] for deep in range(64)]] for number in range(64)}  # type: ignore[list-item]
    with pytest.raises(Declined, match="too many objects"):
        data_state(torch, images)


@pytest.mark.parametrize("draw_one", [lambda: torch.rand(()), random.random, lambda: np.random.rand()])
def test_drawing_a_random_number_shows(draw_one: Any) -> None:
    before = random_state(torch)
    assert random_state(torch) == before
    draw_one()
    assert random_state(torch) != before


def test_batches_are_compared_by_their_values() -> None:
    batch = {"x": torch.arange(9000.0), "names": ["a", "b"], "rows": (np.arange(3), 1)}
    same = {"x": torch.arange(9000.0), "names": ["a", "b"], "rows": (np.arange(3), 1)}
    assert batch_state(torch, batch) == batch_state(torch, same)
    same["x"][8999] += 1
    assert batch_state(torch, batch) != batch_state(torch, same)


def test_the_extent_of_a_batch_and_what_cannot_be_sent() -> None:
    assert extent(torch, {"x": torch.zeros(4), "y": [np.zeros(2), "a", 1.0]}) == (1, 32)
    for odd in (torch.zeros(9)[2:4], torch.zeros(2, requires_grad=True), torch.zeros(2).to_sparse(), object()):
        with pytest.raises(Declined, match="its batches hold"):
            extent(torch, [odd])
