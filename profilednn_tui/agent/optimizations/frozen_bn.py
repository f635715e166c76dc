"""Frozen batch norm in one pass over memory, instead of a multiplication and an addition."""

from __future__ import annotations

from typing import Any

from . import LayerCall, Missing, Optimization, plural
from ._kernels import kernels, missing_kernels
from ._layers import has_hooks


class FrozenBatchNorm(Optimization):
    name = "frozen_bn"
    description = "frozen batch norm as one fused kernel (torchvision's FrozenBatchNorm2d, non-training BatchNorm2d)"
    live = True
    conflicts = ("compile",)
    acts_on = "model"
    risky = True
    clues = ("frozen_batch_norm",)

    def __init__(self, context: Any) -> None:
        super().__init__(context)
        self._norms: set[int] = set()
        self._blocks: set[int] = set()
        self._calls = 0
        self._candidates = 0
        self._thawed = 0
        """Number of batch norms that train their statistics or their weights."""

    def missing(self) -> Missing | None:
        return missing_kernels(self.context)

    def begin_model(self, model: Any) -> None:
        for module in model.modules():
            if isinstance(module, kernels().frozen_types()):
                self._candidates += kernels().is_frozen(module)
                self._thawed += not kernels().is_frozen(module)

    def layer_types(self) -> tuple[type, ...]:
        return (*kernels().frozen_types(), *kernels().residual_types())

    def call_layer(self, call: LayerCall, layer: Any, *arguments: Any, **keywords: Any) -> Any:
        if len(arguments) == 1 and not keywords and not has_hooks(layer):
            output = self._fused(layer, arguments[0])
            if output is not None:
                return output
        return call(layer, *arguments, **keywords)

    def receipt(self, steps: int) -> str:
        if not self._calls:
            return ""
        blocks = f", with ReLU and shortcut in {plural(len(self._blocks), 'residual block')}" if self._blocks else ""
        return f"{plural(len(self._norms), 'frozen batch norm')} fused{blocks}"

    def no_effect(self) -> str:
        if self._candidates:
            return "its frozen batch norms have hooks, or get tensors that the kernel does not support"
        if self._thawed:
            return f"{plural(self._thawed, 'batch norm')} of the model train their statistics or their weights"
        return "the model has no frozen batch norm"

    def _fused(self, layer: Any, x: Any) -> Any:
        is_block = type(layer) in kernels().residual_types()
        try:
            output = kernels().residual_forward(layer, x) if is_block else kernels().frozen_forward(layer, x)
        except (TypeError, ValueError):
            return None  # the original raises its own error
        if output is not None:
            self._calls += 1
            self._norms.update(map(id, kernels().norms_of(layer) if is_block else (layer,)))
            if is_block:
                self._blocks.add(id(layer))
        return output
