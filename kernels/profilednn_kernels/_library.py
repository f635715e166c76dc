"""The interface to the C library: loads it, and describes tensors to it."""

from __future__ import annotations

import ctypes
from ctypes import POINTER, c_char_p, c_double, c_int, c_int32, c_int64, c_void_p
from functools import cache
from pathlib import Path

import torch

PATH = Path(__file__).with_name("libprofilednn_kernels.so")

DTYPES = {torch.float32: 0, torch.float64: 1, torch.bfloat16: 2, torch.float16: 3}


class KernelsUnavailableError(RuntimeError):
    """The C library is missing or cannot be loaded here."""


class TensorView(ctypes.Structure):
    """`pdnn_tensor`"""

    _fields_ = (("data", c_void_p), ("strides", POINTER(c_int64)), ("dtype", c_int32))

    @classmethod
    def of(cls, tensor: torch.Tensor | None) -> TensorView:
        if tensor is None:
            return cls()
        return cls(tensor.data_ptr(), int64_array(tensor.stride()), DTYPES[tensor.dtype])


class FocalLossCall(ctypes.Structure):
    """`pdnn_focal_loss`"""

    _fields_ = (
        ("sizes", POINTER(c_int64)),
        ("ndim", c_int32),
        ("threads", c_int32),
        *((name, TensorView) for name in ("inputs", "targets", "upstream", "loss", "gradient")),
        *((name, c_double) for name in ("positive_weight", "negative_weight", "gamma")),
        ("labels", c_void_p),
        ("weights", c_void_p),
        ("background", c_int64),
        ("ignore", c_int64),
    )


class FrozenBatchNormCall(ctypes.Structure):
    """`pdnn_frozen_batch_norm`"""

    _fields_ = (
        *((name, c_int64) for name in ("images", "channels", "pixels")),
        *((name, c_int32) for name in ("dtype", "channels_last", "relu", "threads")),
        *((name, c_void_p) for name in ("scale", "shift", "input", "residual", "upstream")),
        *((name, c_void_p) for name in ("output", "input_gradient", "residual_gradient")),
    )


class WinogradCall(ctypes.Structure):
    """`pdnn_winograd`"""

    _fields_ = (
        *((name, c_int32) for name in ("map", "input_dtype", "output_dtype", "threads")),
        *((name, c_int64) for name in ("images", "height", "width", "channels", "image_stride")),
        *((name, c_void_p) for name in ("input", "bias", "output")),
    )


SIGNATURES = {
    "pdnn_instruction_set": (c_char_p, ()),
    "pdnn_select_instruction_set": (c_int, (c_char_p,)),
    "pdnn_openmp_runtime": (c_char_p, ()),
    "pdnn_count_valid_labels": (c_int64, (c_void_p, c_int64, c_int64, c_int64, c_int64)),
    "pdnn_run_focal_loss": (c_double, (POINTER(FocalLossCall),)),
    "pdnn_run_frozen_batch_norm": (None, (POINTER(FrozenBatchNormCall),)),
    "pdnn_run_winograd": (None, (POINTER(WinogradCall),)),
    "pdnn_stream": (None, (c_void_p, c_void_p, c_void_p, c_int64, c_int)),
}


@cache
def library() -> ctypes.CDLL:
    if not PATH.exists():
        raise KernelsUnavailableError(
            "profilednn_kernels was installed without a C++ compiler: install g++ and reinstall profilednn-tui."
        )
    try:
        loaded = ctypes.CDLL(str(PATH))
    except OSError as error:
        raise KernelsUnavailableError(
            f"the library of profilednn_kernels does not load here ({error}): reinstall profilednn-tui on this machine."
        ) from error
    for name, (result, arguments) in SIGNATURES.items():
        function = getattr(loaded, name)
        function.restype = result
        function.argtypes = arguments
    return loaded


def unavailable_reason() -> str | None:
    """One sentence on why the kernels cannot run here; None if they can."""
    try:
        library()
    except KernelsUnavailableError as error:
        return str(error)
    return None


def instruction_set() -> str:
    """The instruction set in use: avx512, avx2 or portable."""
    return str(library().pdnn_instruction_set().decode())


def select_instruction_set(name: str) -> bool:
    return bool(library().pdnn_select_instruction_set(name.encode()))


def openmp_runtime() -> str:
    """The file of the OpenMP runtime whose threads are used; empty if the process has none."""
    return str(library().pdnn_openmp_runtime().decode())


def int64_array(values: tuple[int, ...]) -> ctypes.Array[c_int64]:
    return (c_int64 * len(values))(*values)


def pointer(tensor: torch.Tensor | None) -> int | None:
    return None if tensor is None else int(tensor.data_ptr())


def compute_dtype(dtype: torch.dtype) -> torch.dtype:
    return torch.float64 if dtype == torch.float64 else torch.float32
