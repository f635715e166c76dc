"""How large the inputs of each step are: two steps are only comparable if they had as much to do."""

from __future__ import annotations

from typing import Any

from ...protocol.events import InputSizesEvent
from .first_inputs import tensors_in


class InputSizes:
    """Counts the elements of the inputs of models with parameters; calls no operator."""

    def __init__(self, torch: Any) -> None:
        self._torch = torch
        self._now = 0
        self._ended: list[int] = []
        self._first = 0

    def add(self, arguments: Any, keywords: Any) -> None:
        """Called before a model with parameters is called with gradients."""
        self._now += elements(self._torch, arguments, keywords)

    def end_step(self, number: int) -> None:
        """Called when the step of this number has ended; what belongs to steps before a gap is dropped."""
        if number != self._first + len(self._ended):
            self._first, self._ended = number, []
        self._ended.append(self._now)
        self._now = 0

    def take(self) -> InputSizesEvent:
        """The steps that have ended since the last call."""
        event = InputSizesEvent(self._first, self._ended)
        self._first, self._ended = self._first + len(self._ended), []
        return event


def elements(torch: Any, arguments: Any, keywords: Any) -> int:
    """The elements of all tensors that a model is called with."""
    with torch._C.DisableTorchFunction():  # the program's function modes must not see our reads
        return sum(tensor.numel() for tensor in tensors_in(torch, (arguments, keywords)))


def batch(torch: Any, arguments: Any, keywords: Any) -> int:
    """The first dimension of the first input; 0 if that is no tensor with dimensions."""
    first: Any = next(iter((*arguments, *keywords.values())), None)
    if type(first) is dict:
        first = next(iter(first.values()), None)
    if type(first) is not torch.Tensor:
        return 0
    with torch._C.DisableTorchFunction():
        return int(first.size(0)) if first.dim() and not first.is_nested else 0
