"""Fingerprints of a run's first inputs and random state, which show whether two runs see the same batches."""

from __future__ import annotations

import ctypes
import time
import zlib
from collections.abc import Iterator
from typing import Any, Callable

from ...protocol.events import FirstInputsEvent

MOST_BYTES = 1 << 20
"""Read from each tensor: takes 1 ms or less."""
MOST_TENSORS = 64


class FirstInputs:
    """Reads the inputs of the first forward pass with gradients of a model with parameters; calls no operator."""

    def __init__(self, torch: Any, report: Callable[[Any], None]) -> None:
        self._torch = torch
        self._report = report
        self._wanted = True

    def look(self, arguments: Any, keywords: Any) -> None:
        """Called before a model with parameters is called with gradients."""
        if not self._wanted:
            return
        self._wanted = False
        torch = self._torch
        with torch._C.DisableTorchFunction():  # the program's function modes must not see our reads
            checksum = 0
            for number, tensor in enumerate(tensors_in(torch, (arguments, keywords))):
                if number == MOST_TENSORS:
                    break
                checksum = _checksum(tensor, checksum)
            generator = torch.default_generator
            state = generator.get_state()
            self._report(
                FirstInputsEvent(
                    generator_crc32=_checksum(state, 0),
                    inputs_crc32=checksum,
                    seed=int(generator.initial_seed()) & (2**63 - 1),
                    unix_ns=time.time_ns(),
                )
            )


def tensors_in(torch: Any, value: Any) -> Iterator[Any]:
    """Plain tensors inside built-in containers; objects of the program are left alone."""
    if type(value) is torch.Tensor:
        yield value
    elif type(value) is dict:
        for item in value.values():
            yield from tensors_in(torch, item)
    elif isinstance(value, (list, tuple)):
        for item in value:
            yield from tensors_in(torch, item)


def _checksum(tensor: Any, before: int) -> int:
    checksum = zlib.crc32(repr((tuple(tensor.shape), str(tensor.dtype))).encode(), before)
    readable = str(tensor.layout) == "torch.strided" and tensor.is_cpu and tensor.is_contiguous() and tensor.numel()
    if not readable:
        return checksum
    try:
        address, size = tensor.data_ptr(), tensor.numel() * tensor.element_size()
    except RuntimeError:  # a wrapper without storage of its own
        return checksum
    return zlib.crc32(ctypes.string_at(address, min(size, MOST_BYTES)), checksum) if address else checksum
