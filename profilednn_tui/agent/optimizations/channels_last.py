"""Convolution weights and images with the channels last in memory, as oneDNN's fastest kernels want them."""

from __future__ import annotations

from typing import Any

from . import Optimization, plural
from ._tensors import map_tensors


class Switch(Optimization):
    name = "channels_last"
    description = "convolution weights and 4-D or 5-D inputs with channels last in memory (NHWC)"

    def __init__(self, surroundings: Any) -> None:
        super().__init__(surroundings)
        self._inputs = 0
        self._calls = 0
        self._already = 0
        self._weights = 0
        self._outputs: dict[str, int] = {}
        self._formats: dict[int, Any] = {}

    def begin_torch(self) -> None:
        self._formats = {4: self.torch.channels_last, 5: self.torch.channels_last_3d}

    def begin_model(self, model: Any) -> None:
        for module in model.modules():
            weight = getattr(module, "weight", None)
            if isinstance(module, self._convolutions()) and weight is not None and weight.dim() in self._formats:
                self._turn(weight)

    def change_inputs(self, arguments: Any) -> Any:
        if not self._weights:
            return arguments
        self._calls += 1
        return map_tensors(self.torch, arguments, self._turned)

    def receipt(self, steps: int) -> str:
        if not self._weights:
            return ""
        inputs = round(self._inputs / self._calls) if self._calls else 0
        last, all_seen = self._outputs.get("last", 0), sum(self._outputs.values())
        seen = f"; {last} of {plural(all_seen, 'convolution')} gave channels-last results" if all_seen else ""
        weights = plural(self._weights, "convolution weight")
        return f"{weights} and {plural(inputs, 'input')} to channels last{seen}"

    def no_effect(self) -> str:
        if self._already:
            return f"all {plural(self._already, 'convolution weight')} were channels last already"
        return "the model has no 2-D or 3-D convolution"

    def _convolutions(self) -> Any:
        return self.torch.nn.modules.conv._ConvNd

    def _turn(self, weight: Any) -> None:
        wanted = self._formats[weight.dim()]
        if weight.device.type != "cpu":
            return
        if weight.stride() == _strides(weight.shape):
            self._already += 1
            return
        self.take_back(weight, _turn_back)
        before = weight.data
        weight.data = before.contiguous(memory_format=wanted).as_strided(before.shape, _strides(before.shape))
        self._weights += 1

    def _turned(self, tensor: Any) -> Any:
        wanted = self._formats.get(tensor.dim())
        if wanted is None or not tensor.is_floating_point() or tensor.is_contiguous(memory_format=wanted):
            return tensor
        self._inputs += 1
        return tensor.contiguous(memory_format=wanted)

    def see_layer(self, layer: Any, output: Any) -> None:
        if not isinstance(layer, self._convolutions()):
            return
        wanted = self._formats.get(output.dim())
        last = wanted is not None and output.is_contiguous(memory_format=wanted)
        kind = "last" if last else "first"
        self._outputs[kind] = self._outputs.get(kind, 0) + 1


def _turn_back(weight: Any) -> None:
    weight.data = weight.data.contiguous()


def _strides(shape: Any) -> tuple[int, ...]:
    """Those of a dense tensor (N, C, ...) with the channels last, spelled out also where a dimension is 1."""
    strides = [0] * len(shape)
    step = 1
    for dimension in (1, *range(len(shape) - 1, 1, -1), 0):
        strides[dimension] = step
        step *= shape[dimension]
    return tuple(strides)
