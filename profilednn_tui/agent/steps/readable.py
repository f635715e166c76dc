"""Reading the program's tensors around updates, so that nothing of the program notices."""

from __future__ import annotations

from typing import Any


def unseen(torch: Any) -> Any:
    """Hides what we compute from the program's function and dispatch modes."""
    return _Both(torch._C.DisableTorchFunction(), torch._C._DisableTorchDispatch())


def is_readable(torch: Any, tensor: Any) -> bool:
    """Whether the numbers of a tensor are in this process, in memory that can be read."""
    plain = type(tensor).__torch_dispatch__ is torch.Tensor.__torch_dispatch__
    numbers = tensor.dtype.is_floating_point or tensor.dtype.is_complex
    if not (plain and numbers and tensor.is_cpu and tensor.layout == torch.strided):
        return False
    return bool(tensor.data_ptr() or not tensor.numel())


def has_closure(arguments: Any, keywords: Any) -> bool:
    """Whether ``step(optimizer, closure)`` computes the gradients itself."""
    closure = arguments[1] if len(arguments) > 1 else keywords.get("closure")
    return closure is not None


class _Both:
    """Two guards, entered together."""

    def __init__(self, first: Any, second: Any) -> None:
        self._first, self._second = first, second

    def __enter__(self) -> None:
        self._first.__enter__()
        self._second.__enter__()

    def __exit__(self, *error: Any) -> None:
        self._second.__exit__(*error)
        self._first.__exit__(*error)
