"""Frozen batch norm as one pass over memory, instead of a multiplication and an addition."""

from __future__ import annotations

from typing import Any

from . import Missing, Optimization, plural
from ._kernels import kernels, missing_kernels


class Switch(Optimization):
    name = "frozen_bn"
    description = (
        "frozen batch norm as one fused kernel (torchvision's FrozenBatchNorm2d, BatchNorm2d without training)"
    )

    def __init__(self, surroundings: Any) -> None:
        super().__init__(surroundings)
        self._replaced = 0
        self._blocks = 0

    def missing(self) -> Missing | None:
        return missing_kernels(self.surroundings)

    def begin_model(self, model: Any) -> None:
        fused = kernels()
        self.take_back(model, fused.restore_frozen_batch_norm)
        self._replaced += fused.replace_frozen_batch_norm(model)
        self._blocks += fused.replace_residual_blocks(model)

    def receipt(self, steps: int) -> str:
        if not self._replaced:
            return ""
        blocks = f", with ReLU and shortcut in {plural(self._blocks, 'residual block')}" if self._blocks else ""
        return f"{plural(self._replaced, 'frozen batch norm')} fused{blocks}"

    def no_effect(self) -> str:
        return "the model has no frozen batch norm on the CPU"
