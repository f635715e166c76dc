"""What processors, operators and primitives have to do with bfloat16."""

from __future__ import annotations

from collections.abc import Sequence

from profilednn_tui.advise.rule import Signals, no_operators
from profilednn_tui.onednn.records import PrimitiveUse
from profilednn_tui.session.model.work import is_computing
from profilednn_tui.session.view import Operator

KEPT = {"amx_bf16": 0.1, "bf16": 0.25, "avx512_bf16": 0.5, "avx_ne_convert": 0.5}
"""Instruction sets for bfloat16, of x86 and Arm (``bf16``) -> what a product in float32 still costs with them at least,
as a fraction: AMX multiplies up to 16 times as fast as AVX-512 does in float32, the others two to four times, and all
of them move half the bytes."""
_DTYPES = ("bfloat16", "c10::BFloat16")
_PRODUCTS = frozenset({"convolution", "deconvolution", "inner_product", "matmul", "rnn"})
_KERNELS = ("bf16", "amx", "avx10", "avx2_vnni_2", "acl", "sve")
"""Parts of the names of implementations that compute with bfloat16 instructions: ``brg_conv_fwd:avx512_core_amx``."""


def no_features(signals: Signals) -> str:
    """The reason of rules that need the processor's instruction sets."""
    return no_operators(signals) or (
        "" if signals.view.machine.features else "this recording does not tell the processor's instruction sets"
    )


def hardware(features: Sequence[str]) -> str | None:
    """The fastest instruction set for bfloat16 among a processor's; None if it has none."""
    return next((name for name in KEPT if name in features), None)


def multiplies_bfloat16(row: Operator) -> bool:
    """Whether an operator is a product or convolution in bfloat16."""
    return row.key.dtypes in _DTYPES and is_computing(row.key)


def multiplies_float32(row: Operator) -> bool:
    """Whether an operator is a product or convolution in float32."""
    return row.key.dtypes in ("float", "float32") and is_computing(row.key)


def is_bfloat16_product(use: PrimitiveUse) -> bool:
    """Whether a primitive is a product or convolution of numbers in bfloat16."""
    tensors = use.primitive.tensors
    return use.primitive.name in _PRODUCTS and bool(tensors) and tensors[0].data_type == "bf16"


def on_kernel(use: PrimitiveUse) -> bool:
    """Whether its implementation computes with bfloat16 instructions."""
    return any(part in use.primitive.implementation for part in _KERNELS)
