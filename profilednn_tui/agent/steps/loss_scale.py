"""Losses under a GradScaler: what reaches ``backward`` is the loss times the scale."""

from __future__ import annotations

import weakref
from collections import deque
from typing import Any, NamedTuple

from .loss import LossReader

KEPT = 16


class _Scaled(NamedTuple):
    tensor: weakref.ref[Any]
    loss: float | None
    scale: float | None


class ScaledLosses:
    """Losses that GradScalers have scaled in the current step; keeps no tensor alive."""

    def __init__(self, reader: LossReader) -> None:
        self._reader = reader
        self._open: deque[_Scaled] = deque(maxlen=KEPT)

    def add(self, scaler: Any, outputs: Any, result: Any) -> None:
        """``scaler.scale(outputs)`` has returned `result`, a tensor or a sequence of tensors."""
        if result is outputs:  # a disabled scaler
            return
        pairs = zip(outputs, result) if isinstance(result, (list, tuple)) else ((outputs, result),)
        scale = self._reader.read(getattr(scaler, "_scale", None))
        for loss, tensor in pairs:
            if self._reader.is_number(tensor):
                self._open.append(_Scaled(weakref.ref(tensor), self._reader.read(loss), scale))

    def read(self, tensors: Any) -> float | None:
        """The unscaled value of the loss that reaches ``backward``; None if it is not known."""
        value = self._reader.read(tensors)
        if not self._open or value is None:
            return value
        only = tensors[0] if isinstance(tensors, (list, tuple)) else tensors
        for one in self._open:
            if one.tensor() is only:
                self._open.remove(one)
                return one.loss
        # A tensor computed from scaled ones, such as a sum, or a fraction for gradient accumulation.
        scales = {one.scale for one in self._open}
        self._open = deque((one for one in self._open if one.tensor() is not None), KEPT)
        scale = scales.pop()
        return value / scale if scale and not scales else None

    def clear(self) -> None:
        """Forget the losses of the step that ends."""
        if self._open:
            self._open.clear()
