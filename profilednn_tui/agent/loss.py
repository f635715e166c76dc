"""The value of a scalar tensor, read from memory.

``item()`` would do, but it is an operator: it would show in the program's own profile and in ours, and reach
whatever dispatch mode the program has on. The scalar was just computed on the CPU, so its bytes are there.
"""

from __future__ import annotations

import ctypes
import struct
from typing import Any


class LossReader:
    """Reads the loss that reaches ``backward``; holds no tensor."""

    def __init__(self, torch: Any) -> None:
        self._tensor_type = torch.Tensor
        self._unseen = torch._C.DisableTorchFunction
        self._formats = {torch.float32: "f", torch.float64: "d", torch.float16: "e", torch.bfloat16: "bfloat16"}

    def read(self, tensors: Any) -> float | None:
        """The value of the single element of a plain CPU tensor, or the first such of a sequence; else nothing."""
        if isinstance(tensors, (list, tuple)):
            tensors = tensors[0] if len(tensors) == 1 else None
        if type(tensors) is not self._tensor_type:
            return None
        with self._unseen():  # a function mode of the program must not see us look
            return self._value(tensors)

    def _value(self, tensor: Any) -> float | None:
        layout = self._formats.get(tensor.dtype)
        if layout is None or tensor.numel() != 1 or tensor.device.type != "cpu":
            return None
        try:
            address = tensor.data_ptr()
        except RuntimeError:  # a wrapper without storage of its own
            return None
        if not address:
            return None
        if layout == "bfloat16":
            return float(struct.unpack("f", b"\0\0" + ctypes.string_at(address, 2))[0])
        return float(struct.unpack(layout, ctypes.string_at(address, struct.calcsize(layout)))[0])
