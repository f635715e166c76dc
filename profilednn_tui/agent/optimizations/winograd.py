"""3x3 convolutions in bfloat16 with 2.25 times fewer multiplications."""

from __future__ import annotations

from contextlib import AbstractContextManager
from typing import Any

from . import Declined, LayerCall, Missing, Optimization, each_step, plural
from ._kernels import kernels, missing_kernels
from ._layers import fake_quantized, has_hooks
from .bf16 import missing_bfloat16


class Winograd(Optimization):
    name = "winograd"
    description = "3x3 convolutions in bfloat16 by Winograd's F(2x2, 3x3), with 2.25 times fewer multiplications"
    live = True
    conflicts = ("compile",)
    acts_on = "model"
    risky = True
    clues = ("winograd",)

    def __init__(self, context: Any) -> None:
        super().__init__(context)
        self._candidates = 0

    def missing(self) -> Missing | None:
        return missing_kernels(self.context) or missing_bfloat16(self.context)

    def begin_model(self, model: Any) -> None:
        if fake_quantized(model):
            raise Declined("its convolutions are fake-quantized: training depends on their exact rounding")
        self._candidates += sum(map(kernels().takes_winograd, model.modules()))

    def around_call(self, model: Any) -> AbstractContextManager[Any] | None:
        context: AbstractContextManager[Any] = kernels().winograd_weights_kept()
        return context

    def layer_types(self) -> tuple[type, ...]:
        return (self.torch.nn.Conv2d,)

    def call_layer(self, call: LayerCall, layer: Any, *arguments: Any, **keywords: Any) -> Any:
        if len(arguments) == 1 and not keywords and kernels().takes_winograd(layer) and not has_hooks(layer):
            try:
                output = kernels().winograd_forward(layer, arguments[0])
            except (TypeError, ValueError, RuntimeError):
                output = None  # the original raises its own error
            if output is not None:
                return output
        return call(layer, *arguments, **keywords)

    def receipt(self, steps: int) -> str:
        calls = kernels().winograd_calls()["taken"]
        if not calls:
            return ""
        return f"{plural(self._candidates, '3x3 convolution')} by F(2x2, 3x3) in bfloat16, {each_step(calls, steps)}"

    def no_effect(self) -> str:
        least = kernels().winograd.MIN_CHANNELS
        if not self._candidates:
            return f"the model has no 3x3 convolution of stride 1 with {least} channels or more"
        what = f"its {plural(self._candidates, '3x3 convolution')}"
        calls = kernels().winograd_calls()
        if calls["size"]:
            return f"{what} work on maps and batches that are too small to gain from it"
        if calls["dtype"]:
            return f"{what} do not compute in bfloat16: switch bf16 on, too"
        return f"{what} had hooks, or were not called"
