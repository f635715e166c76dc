"""What processors, operators and primitives have to do with bfloat16."""

from __future__ import annotations

from dataclasses import dataclass

from profilednn_tui.advise.rule import Signals, no_operators
from profilednn_tui.onednn.records import PrimitiveUse
from profilednn_tui.session.model.work import is_computing
from profilednn_tui.session.view import Operator, SessionView

KEPT = {"amx_bf16": 0.1, "bf16": 0.25, "avx512_bf16": 0.5, "avx_ne_convert": 0.5}
"""Instruction sets for bfloat16, of x86 and Arm (``bf16``) -> what a product in float32 still costs with them at least,
as a fraction: AMX multiplies up to 16 times as fast as AVX-512 does in float32, the others two to four times, and all
of them move half the bytes."""
CERTAIN = frozenset({"amx_bf16", "bf16"})
"""Instruction sets that are faster than float32 on every processor that has them. The others are not: on some, a
product with avx512_bf16 takes 1.6 times as long as one in float32."""
FASTER, SLOWER = 0.9, 1.1
"""Time of a product in bfloat16, as a fraction of that in float32, from which on it counts as faster, or slower."""
_UNMEASURED = (
    "it is not known which products this processor makes faster: `profilednn-tui onednn --roofline` measures it"
)
_DTYPES = ("bfloat16", "c10::BFloat16")
_PRODUCTS = frozenset({"convolution", "deconvolution", "inner_product", "matmul", "rnn"})
_KERNELS = ("bf16", "amx", "avx10", "avx2_vnni_2", "acl", "sve")
"""Parts of the names of implementations that compute with bfloat16 instructions: ``brg_conv_fwd:avx512_core_amx``."""


@dataclass(frozen=True, slots=True)
class Hardware:
    """What a processor does with products in bfloat16."""

    instructions: str | None
    """The fastest instruction set for them; None if it has none."""
    ratio: float | None
    """Measured: the time of a large product in bfloat16 divided by that in float32."""

    @property
    def known(self) -> bool:
        """Whether it is known which of the two is faster."""
        return self.ratio is not None or self.instructions is None or self.instructions in CERTAIN

    @property
    def kept(self) -> float | None:
        """What a product in float32 still costs in bfloat16 at least, as a fraction; None if it is not faster."""
        if self.instructions is None or not self.known or (self.ratio is not None and self.ratio > FASTER):
            return None
        least = KEPT[self.instructions]
        return least if self.ratio is None else min(least, self.ratio)

    @property
    def slow(self) -> bool:
        """Whether float32 is faster."""
        return self.instructions is None or (self.ratio is not None and self.ratio >= SLOWER)


def hardware(view: SessionView) -> Hardware:
    """What the processor of a session has for bfloat16, and what was measured on it."""
    found = next((name for name in KEPT if name in view.machine.features), None)
    peaks = view.peaks
    measured = peaks is not None and peaks.float32_gflops > 0 and peaks.bfloat16_gflops > 0
    return Hardware(found, peaks.float32_gflops / peaks.bfloat16_gflops if measured and peaks else None)


def unknown_hardware(signals: Signals) -> str:
    """The reason of rules that need to know which products are faster; empty if that is known."""
    if reason := no_operators(signals):
        return reason
    if not signals.view.machine.features:
        return "this recording does not tell the processor's instruction sets"
    return "" if hardware(signals.view).known else _UNMEASURED


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
