"""bfloat16 arithmetic in the forward and backward pass, with the loss in float32."""

from __future__ import annotations

import functools
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Any

from . import Declined, LayerCall, Missing, Optimization, plural
from ._layers import fake_quantized, fake_quantizer
from ._tensors import map_tensors

FLAGS = ("avx512_bf16", "amx_bf16", "avx_ne_convert", "bf16")
"""Processor flags of x86 and Arm, any of which makes bfloat16 faster than float32."""

LOSS = "compute_loss"
"""torchvision's detection models compute their losses inside the forward pass, in methods of this name."""
ANCHORS = ("AnchorGenerator", "DefaultBoxGenerator")
"""torchvision gives coordinates the dtype of the features, and beyond 256 bfloat16 only has every second pixel."""


def missing_bfloat16(context: Any) -> Missing | None:
    """Why this processor does not compute in bfloat16; None if it does."""
    if not context.processor_flags.intersection(FLAGS):
        return Missing(
            "this processor has no bfloat16 arithmetic (avx512_bf16 or amx_bf16), so it would be slower than float32",
            "use a machine that has it: Cooper Lake, Sapphire Rapids or newer, Zen 4 or newer",
        )
    limit = context.environment.get("ONEDNN_MAX_CPU_ISA", "").upper()
    if limit and "BF16" not in limit and "AMX" not in limit and limit not in ("ALL", "DEFAULT"):
        return Missing(
            f"ONEDNN_MAX_CPU_ISA={limit} keeps oneDNN from using bfloat16 instructions", "unset ONEDNN_MAX_CPU_ISA"
        )
    return None


class BFloat16(Optimization):
    name = "bf16"
    description = "bfloat16 autocast around forward passes with gradients; losses and evaluations stay in float32"
    live = True
    acts_on = "model"
    risky = True
    clues = ("BFloat16", "bfloat16", "dtype")
    wary_of = frozenset(
        {"numpy", "double", "itemsize", "element_size", "linalg", "det", "inverse", "qr", "svd", "cholesky"}
    )

    refuses = frozenset({"rrelu", "poisson"})
    """How many random numbers they draw depends on the values of their input: different rounding would change all
    subsequent ones."""

    def __init__(self, context: Any) -> None:
        super().__init__(context)
        self._layers = 0
        self._in_bfloat16 = 0
        self._looking = True
        """Whether to count the layers that compute in bfloat16: only during the first call."""
        self._quantized = False
        self._users_own = False
        self._models: list[str] = []
        self._losses: dict[Any, Any] = {}
        """Float32 versions of the methods that compute a loss, by class."""
        self._in_float32: dict[str, bool] = {}

    def missing(self) -> Missing | None:
        return missing_bfloat16(self.context)

    def begin_model(self, model: Any) -> None:
        if fake_quantized(model):
            raise Declined("it is fake-quantized, and would learn different ranges in bfloat16")
        if any(isinstance(module, self.torch.nn.RReLU) for module in model.modules()):
            raise Declined("its RReLU layers draw a random number for each negative value")
        if self.torch.is_autocast_enabled("cpu"):
            self._users_own = True
            return
        self._models.append(type(model).__name__)
        for module in model.modules():
            if _has_loss(module) and not any(_has_loss(below) for below in module.modules() if below is not module):
                self._keep_in_float32(type(module))
            elif type(module).__name__ in ANCHORS:
                self._in_float32[f"{type(module).__name__}.forward"] = True

    def around_call(self, model: Any) -> AbstractContextManager[Any] | None:
        if self._quantized:
            raise Declined("the program has begun to fake-quantize, and would learn different ranges in bfloat16")
        if self._users_own or self.torch.is_autocast_enabled("cpu") or not self.torch.is_grad_enabled():
            return None
        return self._computing()

    @contextmanager
    def _computing(self) -> Iterator[None]:
        """Methods of the program's classes are replaced only during a call: they may be scripted or stored later."""
        before = [(owner, vars(owner).get(LOSS)) for owner in self._losses]
        for owner, in_float32 in self._losses.items():
            setattr(owner, LOSS, in_float32)
        try:
            with self.torch.autocast("cpu", dtype=self.torch.bfloat16):
                yield
        finally:
            for owner, original in before:
                setattr(owner, LOSS, original) if original is not None else delattr(owner, LOSS)

    def shows_in(self, activation: Any) -> bool:
        return bool(activation.dtype == self.torch.float32) and not self._users_own

    def change_outputs(self, outputs: Any) -> Any:
        self._looking = False
        return outputs if self._users_own else map_tensors(self.torch, outputs, self._to_float32)

    def layer_types(self) -> tuple[type, ...]:
        return (self.torch.nn.Module,)

    def call_layer(self, call: LayerCall, layer: Any, *arguments: Any, **keywords: Any) -> Any:
        kind = type(layer)
        if kind.__name__ in ANCHORS or isinstance(layer, fake_quantizer()):
            self._quantized |= kind.__name__ not in ANCHORS  # quantization-aware training that began later
            arguments, keywords = map_tensors(self.torch, (arguments, keywords), self._to_float32)
            with self.torch.autocast("cpu", enabled=False):
                return call(layer, *arguments, **keywords)
        output = call(layer, *arguments, **keywords)
        if self._looking and isinstance(layer, (self.torch.nn.modules.conv._ConvNd, self.torch.nn.Linear)):
            self._layers += 1
            self._in_bfloat16 += getattr(output, "dtype", None) == self.torch.bfloat16
        return output

    def receipt(self, steps: int) -> str:
        if not self._models or (self._layers and not self._in_bfloat16):
            return ""
        seen = f"{self._in_bfloat16} of {plural(self._layers, 'layer call')} in bfloat16, " if self._layers else ""
        losses = f", as well as {', '.join(self._in_float32)}" if self._in_float32 else ""
        return f"autocast around {', '.join(self._models)}: {seen}results in float32{losses}"

    def no_effect(self) -> str:
        if self._users_own:
            return "the script uses autocast itself"
        return "no layer of the model computed in bfloat16"

    def _to_float32(self, tensor: Any) -> Any:
        return tensor.float() if getattr(tensor, "dtype", None) == self.torch.bfloat16 else tensor

    def _keep_in_float32(self, owner: Any) -> None:
        original = getattr(owner, LOSS)
        if owner in self._losses or getattr(original, "keeps_float32", False):
            return
        torch, to_float32 = self.torch, self._to_float32

        @functools.wraps(original)
        def in_float32(*arguments: Any, **keywords: Any) -> Any:
            if not torch.is_autocast_enabled("cpu"):
                return original(*arguments, **keywords)
            arguments, keywords = map_tensors(torch, (arguments, keywords), to_float32)
            with torch.autocast("cpu", enabled=False):
                return original(*arguments, **keywords)

        self._losses[owner] = in_float32
        self._in_float32[f"{owner.__name__}.{LOSS}"] = True


def _has_loss(module: Any) -> bool:
    return callable(getattr(type(module), LOSS, None))
