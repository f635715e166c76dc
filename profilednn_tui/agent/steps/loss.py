"""The value of a scalar tensor, read from memory.

``item()`` would work, but it is an operator: it would show up in the program's own profile and in ours, and go through
any dispatch mode that the program has enabled. The scalar was just computed on the CPU, so its bytes are available.
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
        self._modes = torch._C._len_torch_function_stack
        self._readers = {
            torch.float32: _float32,
            torch.float64: _float64,
            torch.float16: _float16,
            torch.bfloat16: _bfloat16,
        }

    def read(self, tensors: Any) -> float | None:
        """The value of a plain CPU tensor with one element, or of a sequence of one such tensor; otherwise None."""
        if isinstance(tensors, (list, tuple)):
            tensors = tensors[0] if len(tensors) == 1 else None
        if type(tensors) is not self._tensor_type:
            return None
        if self._modes():  # the program's function modes must not see our reads
            with self._unseen():
                return self._value(tensors)
        return self._value(tensors)

    def is_number(self, result: Any) -> bool:
        """Whether a module's result is a zero-dimensional tensor."""
        if not isinstance(result, self._tensor_type):
            return False
        if self._modes() or type(result) is not self._tensor_type:
            with self._unseen():
                return bool(result.ndim == 0)
        return bool(result.ndim == 0)

    def _value(self, tensor: Any) -> float | None:
        reader = self._readers.get(tensor.dtype)
        if reader is None or tensor.numel() != 1 or not tensor.is_cpu:
            return None
        try:
            address = tensor.data_ptr()
        except RuntimeError:  # a wrapper without storage of its own
            return None
        return reader(address) if address else None


def _float32(address: int) -> float:
    return ctypes.c_float.from_address(address).value


def _float64(address: int) -> float:
    return ctypes.c_double.from_address(address).value


def _float16(address: int) -> float:
    return float(struct.unpack("e", ctypes.string_at(address, 2))[0])


def _bfloat16(address: int) -> float:
    return float(struct.unpack("f", b"\0\0" + ctypes.string_at(address, 2))[0])
