"""oneDNN's reduced-precision mode: float32 matrix products and convolutions computed in bfloat16."""

from __future__ import annotations

import functools
from typing import Any

from . import Missing, Optimization
from .bf16 import missing_bfloat16

PRECISION = "medium"
"""torch's name for bfloat16 in float32 matrix products."""


class BFloat16Matmul(Optimization):
    name = "bf16_matmul"
    description = "float32 matrix products and convolutions computed in bfloat16 inside oneDNN"
    live = True

    def __init__(self, context: Any) -> None:
        super().__init__(context)
        self._changed: list[str] = []
        """What a probe has found to be computed in bfloat16."""

    def missing(self) -> Missing | None:
        return missing_bfloat16(self.context)

    def begin_torch(self) -> None:
        torch = self.torch
        probes = {"matrix products": _product, "convolutions": _convolution}
        exact = {name: probe(torch) for name, probe in probes.items()}
        self._set(torch)
        for name, probe in probes.items():
            error = float((probe(torch) - exact[name]).abs().max() / exact[name].abs().max())
            if error:
                self._changed.append(f"float32 {name} in bfloat16 (a probe differs by {error:.1e})")
        if not self._changed:
            # oneDNN would still take the place of faster libraries: with avx512_bf16 but no AMX, steps of a GPT became
            # twice as long.
            self.revert()

    def switch_off(self) -> None:
        self.revert()

    def switch_on(self) -> None:
        if self._changed:
            self._set(self.torch)

    def receipt(self, steps: int) -> str:
        is_on = bool(self.undo)
        taken_away = is_on and self.torch.get_float32_matmul_precision() != PRECISION
        return "" if taken_away else "; ".join(self._changed)

    def no_effect(self) -> str:
        if self._changed:
            now = self.torch.get_float32_matmul_precision()
            return f"the program sets the precision of matrix products itself ({now})"
        return f"torch {self.torch.__version__} computes the same with it on this processor, so it stays off"

    def _set(self, torch: Any) -> None:
        # Matrix products through the old interface: torch rejects it in the program once the new one was used.
        before = torch.get_float32_matmul_precision()
        self.undo.append(lambda: torch.set_float32_matmul_precision(before))
        torch.set_float32_matmul_precision(PRECISION)
        convolutions: Any = getattr(torch.backends.mkldnn, "conv", None)
        if hasattr(convolutions, "fp32_precision"):
            self.undo.append(functools.partial(setattr, convolutions, "fp32_precision", convolutions.fp32_precision))
            convolutions.fp32_precision = "bf16"


def _numbers(torch: Any, *shape: int) -> Any:
    # Made without the random number generator, whose state belongs to the program.
    count = 1
    for size in shape:
        count *= size
    return torch.arange(count, dtype=torch.float32).mul_(0.7).sin_().reshape(shape)


def _product(torch: Any) -> Any:
    with torch.no_grad():
        return _numbers(torch, 64, 64) @ _numbers(torch, 64, 64)


def _convolution(torch: Any) -> Any:
    with torch.no_grad():
        return torch.nn.functional.conv2d(_numbers(torch, 1, 16, 16, 16), _numbers(torch, 16, 16, 3, 3))
