"""What the gradients of neighbouring updates have in common, for the gradient noise scale.

A `GradientNoise` exists only in runs that ask for it. It reads the gradients of two neighbouring updates from time to
time, as all ranks have averaged them, and holds a copy of the first ones until the second are there.
"""

from __future__ import annotations

import math
import time
import weakref
from typing import Any, Callable, NamedTuple

from ...protocol.events import GradientNoiseEvent, NoticeEvent
from ...protocol.vocabulary import GRADIENT_NOISE_NOTICE, WARNING
from ..isolation.guard import Guard
from .optimizer_hooks import hook_updates
from .readable import has_closure, is_readable, unseen

EVERY = 8
"""Updates from one pair to the next."""
MEMORY_SHARE = 0.25
"""Share of the available memory that the copy of the gradients may take."""


class _Gradient(NamedTuple):
    parameter: weakref.ref[Any]
    values: Any


class GradientNoise:
    """Hooks into the updates of the first optimizer, from `install` to `remove`."""

    def __init__(self, torch: Any, report: Callable[[Any], None], guard: Guard, available_bytes: float) -> None:
        self._torch = torch
        self._report = report
        self._guard = guard
        self._room_bytes = MEMORY_SHARE * available_bytes
        self._optimizer: weakref.ref[Any] | None = None
        self._updates = 0
        self._held: list[_Gradient] = []
        self._undo: Callable[[], None] | None = None
        self._told = False

    def install(self) -> None:
        """Begin to record; other hooks that end the run have to be installed later."""

        def before(optimizer: Any, arguments: Any, keywords: Any) -> None:
            if not has_closure(arguments, keywords):
                self._guard.run(self.look, optimizer)

        def after(optimizer: Any, arguments: Any, keywords: Any) -> None:
            if has_closure(arguments, keywords):  # it has only now computed the gradients
                self._guard.run(self.look, optimizer)

        self._undo = hook_updates(before, after)

    def remove(self) -> None:
        """End recording and free the copy."""
        undo, self._undo = self._undo, None
        if undo is not None:
            undo()
        self._held = []

    def look(self, optimizer: Any) -> None:
        """The gradients of an update are there."""
        if self._optimizer is None:
            self._optimizer = weakref.ref(optimizer)
        if self._optimizer() is not optimizer:
            return
        self._updates += 1
        held, self._held = self._held, []
        if not held and self._updates % EVERY:
            return
        with unseen(self._torch), self._torch.no_grad():
            if held:
                self._compare(held, optimizer)
            else:
                self._hold(optimizer)

    def _hold(self, optimizer: Any) -> None:
        gradients = [(one, one.grad) for one in _parameters(optimizer) if self._is_known(one)]
        needed_bytes = sum(gradient.numel() * gradient.element_size() for _, gradient in gradients)
        if not gradients:
            self._tell("no gradient of the first optimizer is a plain tensor of this process")
        elif needed_bytes > self._room_bytes:
            size = f"{needed_bytes / 1e9:.1f} GB, more than {MEMORY_SHARE:.0%} of the available memory"
            self._tell(f"a copy of the gradients would take {size}")
        else:
            self._held = [_Gradient(weakref.ref(one), gradient.detach().clone()) for one, gradient in gradients]

    def _compare(self, held: list[_Gradient], optimizer: Any) -> None:
        square = product = 0.0
        read = 0
        for parameter, before in held:
            one = parameter()
            if one is None or not self._is_known(one) or one.grad.shape != before.shape:
                continue
            now = one.grad.detach()
            square += (self._dot(before, before) + self._dot(now, now)) / 2
            product += self._dot(before, now)
            read += 1
        unread = sum(1 for _ in _parameters(optimizer)) - read
        if read and math.isfinite(square) and math.isfinite(product):
            self._report(GradientNoiseEvent(self._updates, square, product, unread, time.time_ns()))

    def _is_known(self, parameter: Any) -> bool:
        gradient = parameter.grad
        return gradient is not None and not gradient.dtype.is_complex and is_readable(self._torch, gradient)

    def _dot(self, one: Any, other: Any) -> float:
        if one.element_size() == 2:  # products would be rounded to its 8 or 11 bits
            one, other = one.float(), other.float()
        return float((one * other).sum(dtype=self._torch.float64))

    def _tell(self, reason: str) -> None:
        if not self._told:
            self._told = True
            text = f"The gradient noise is not recorded: {reason}."
            self._report(NoticeEvent(WARNING, GRADIENT_NOISE_NOTICE, text, time.time_ns()))


def _parameters(optimizer: Any) -> Any:
    return (one for group in optimizer.param_groups for one in group["params"])
