"""How large the inputs of steps are."""

from __future__ import annotations

import torch

from profilednn_tui.agent.steps.input_sizes import InputSizes, batch
from profilednn_tui.protocol.events import InputSizesEvent


def test_the_tensors_of_all_calls_of_a_step_count() -> None:
    sizes = InputSizes(torch)
    sizes.add((torch.zeros(2, 3), [torch.zeros(4)]), {"mask": torch.zeros(5), "name": "x"})
    sizes.add((torch.zeros(1),), {})
    sizes.end_step(7)
    sizes.end_step(8)
    assert sizes.take() == InputSizesEvent(7, [16, 0])
    sizes.end_step(9)
    assert sizes.take() == InputSizesEvent(9, [0])


def test_a_second_search_does_not_inherit_steps_of_the_first() -> None:
    """Found in reading: its steps would have had the sizes of others."""
    sizes = InputSizes(torch)
    sizes.end_step(3)
    sizes.add((torch.zeros(5),), {})
    sizes.end_step(40)
    assert sizes.take() == InputSizesEvent(40, [5])


def test_the_batch_is_the_first_dimension_of_the_first_input() -> None:
    assert batch(torch, (torch.zeros(16, 3), torch.zeros(4)), {}) == 16
    assert batch(torch, (), {"input_ids": torch.zeros(8, 128)}) == 8
    assert batch(torch, ({"image": torch.zeros(2, 3)},), {}) == 2


def test_images_in_a_list_and_numbers_are_no_batch() -> None:
    assert batch(torch, ([torch.zeros(3, 32, 32), torch.zeros(3, 16, 16)],), {}) == 0
    assert batch(torch, (torch.zeros(()),), {}) == 0
    assert batch(torch, (), {}) == 0
