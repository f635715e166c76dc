"""Convolutions of 3x3 with 2.25 times fewer multiplications, in bfloat16."""

from __future__ import annotations

from contextlib import AbstractContextManager
from typing import Any

from . import Missing, Optimization, each_step, plural
from ._kernels import kernels, missing_kernels
from .bf16 import missing_bfloat16


class Switch(Optimization):
    name = "winograd"
    description = "3x3 convolutions in bfloat16 by Winograd's F(2x2, 3x3), with 2.25 times fewer multiplications"

    def __init__(self, surroundings: Any) -> None:
        super().__init__(surroundings)
        self._replaced = 0

    def missing(self) -> Missing | None:
        return missing_kernels(self.surroundings) or missing_bfloat16(self.surroundings)

    def begin_model(self, model: Any) -> None:
        winograd = kernels()
        self.take_back(model, winograd.restore_3x3_convolutions)
        self._replaced += winograd.replace_3x3_convolutions(model)

    def around_call(self, model: Any) -> AbstractContextManager[Any] | None:
        context: AbstractContextManager[Any] = kernels().winograd_weights_kept()
        return context

    def receipt(self, steps: int) -> str:
        calls = kernels().winograd_calls()["taken"]
        if not calls:
            return ""
        return f"{plural(self._replaced, '3x3 convolution')} by F(2x2, 3x3) in bfloat16, {each_step(calls, steps)}"

    def no_effect(self) -> str:
        least = kernels().winograd.LEAST_CHANNELS
        if not self._replaced:
            return f"the model has no 3x3 convolution of stride 1 with {least} channels or more"
        what = f"its {plural(self._replaced, '3x3 convolution')}"
        if kernels().winograd_calls()["size"]:
            return f"{what} work on maps and batches that are too small to gain"
        return f"{what} do not compute in bfloat16: switch bf16 on, too"
