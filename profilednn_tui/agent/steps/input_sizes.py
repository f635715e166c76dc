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
        torch = self._torch
        with torch._C.DisableTorchFunction():  # the program's function modes must not see our reads
            self._now += sum(tensor.numel() for tensor in tensors_in(torch, (arguments, keywords)))

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
