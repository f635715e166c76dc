"""Shapes, dtype and memory format of an operator's inputs as strings."""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from typing import Any

META = "meta"
WRAPPER = "wrapper"
"""A tensor without values of its own: a wrapper subclass, a fake tensor, or one inside `torch.func`."""
NESTED = "nested"
"""A tensor that the profiler does not record: a nested one, or one with symbolic sizes."""

Sizes = tuple[int, ...]


@lru_cache(maxsize=4096)  # windows repeat the same inputs
def input_texts(shapes: tuple[Sizes | None, ...], dtype: Any, layout: Any, copied: Any = None) -> tuple[str, str, str]:
    """Shapes, dtype and memory format; the arguments `dtype` and `layout` are None if no input is a tensor.

    `layout` is the sizes and strides of the tensor that determines the memory format, a word for a tensor without
    storage, or a torch.layout that has no strides. `copied` is the same of what is copied into that tensor, if that is
    all that the operator does: a copy that changes the memory format has both formats.
    """
    of_inputs = str([list(of_input) if of_input is not None else [] for of_input in shapes]) if shapes else ""
    if dtype is None:
        return of_inputs, "", ""
    of_values = str(dtype).replace("torch.", "")
    if of_values.startswith(("quint", "qint")):
        return of_inputs, of_values, "quantized"
    if isinstance(layout, tuple):
        text = _memory_format(*layout)
        before = _memory_format(*copied) if isinstance(copied, tuple) else text
        return of_inputs, of_values, f"{before} to {text}" if before and text and before != text else text
    # ``torch.sparse_csr``, ``torch._mkldnn``
    return of_inputs, of_values, str(layout).replace("torch.", "").lstrip("_")


def _memory_format(sizes: Sizes, strides: Sizes) -> str:
    """The memory format of a tensor; empty if the profiler did not record its strides."""
    if len(sizes) != len(strides):
        return ""
    if _dense(sizes, strides, range(len(sizes))):
        return "contiguous"
    if len(sizes) in (4, 5) and _dense(sizes, strides, (0, *range(2, len(sizes)), 1)):
        return "channels_last"
    return "strided"


def _dense(sizes: Sizes, strides: Sizes, order: Iterable[int]) -> bool:
    """Whether the dimensions are contiguous in memory, in `order` from the outermost."""
    expected = 1
    for dimension in reversed(list(order)):
        if sizes[dimension] != 1 and strides[dimension] != expected:
            return False
        expected *= max(sizes[dimension], 1)
    return True
