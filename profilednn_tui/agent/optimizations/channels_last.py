"""Images in the channels-last memory format, which oneDNN's fastest kernels prefer.

Only the inputs of convolutions are converted: oneDNN then computes in this format, and its results keep it for the
layers that follow. Weights are left alone, because their memory may be used elsewhere: by workers that share it, in
flat buffers, in averages. What leaves the model has the memory format of a plain run.
"""

from __future__ import annotations

import functools
from typing import Any

from . import LayerCall, Optimization, each_step, plural
from ._tensors import map_tensors

RANDOM = ("dropout", "alpha_dropout", "rrelu")
"""Functions that draw a random number for each element, in memory order."""
TRIALS = 8
"""After this many converted images without a channels-last result, no more are converted."""


class ChannelsLast(Optimization):
    name = "channels_last"
    description = "channels-last images (NHWC in memory) in convolutions; weights stay as they are"
    live = True
    acts_on = "model"
    risky = True
    clues = ("view size is not compatible", "contiguous", "memory_format", "memory format", "stride")
    refuses = frozenset(
        {
            "rand_like",
            "randn_like",
            "bernoulli",
            "bernoulli_",
            "normal_",
            "uniform_",
            "exponential_",
            "random_",
            "log_normal_",
            "geometric_",
            "cauchy_",
            "randint_like",
        }
    )
    wary_of = frozenset({"view", "view_as", "as_strided", "stride", "data_ptr", "storage", "untyped_storage"})

    def __init__(self, context: Any) -> None:
        super().__init__(context)
        self._formats: dict[int, Any] = {}
        self._convolutions = 0
        self._calls = 0
        self._converted = 0
        self._already = 0
        self._results = 0
        self._converted_before = 0
        self._at_root = self.copies_inputs = "compile" in context.others
        """torch.compile takes whole models: then their inputs are converted."""

    def begin_torch(self) -> None:
        self._formats = {4: self.torch.channels_last, 5: self.torch.channels_last_3d}
        for name in RANDOM:
            for owner in (self.torch.nn.functional, self.torch):
                self.replace_function(owner, name, self._in_plain_order(vars(owner)[name]))

    def has_work(self, model: Any) -> bool:
        return self._count(model) > 0

    def begin_model(self, model: Any) -> None:
        self._convolutions += self._count(model)

    def change_inputs(self, arguments: Any) -> Any:
        self._converted_before = self._converted
        return map_tensors(self.torch, arguments, self._convert) if self._at_root and self._convolutions else arguments

    def layer_types(self) -> tuple[type, ...]:
        return () if self._at_root else (self.torch.nn.modules.conv._ConvNd,)

    def call_layer(self, call: LayerCall, layer: Any, *arguments: Any, **keywords: Any) -> Any:
        if arguments:
            arguments = self._convert(arguments[0]), *arguments[1:]
        elif "input" in keywords:
            keywords["input"] = self._convert(keywords["input"])
        output = call(layer, *arguments, **keywords)
        self._calls += 1
        self._results += self._is_channels_last(output)
        return output

    def shows_in(self, activation: Any) -> bool:
        return activation.dim() in self._formats and activation.is_floating_point()

    def change_outputs(self, outputs: Any) -> Any:
        if self._converted == self._converted_before:
            return outputs
        return map_tensors(self.torch, outputs, self._to_contiguous)

    def change_gradients(self, inputs: Any, gradients: Any) -> Any:
        """As in a plain run; ``Tensor.grad`` of a leaf has the memory format of the leaf anyway."""
        inputs = (inputs,) if isinstance(inputs, self.torch.Tensor) else tuple(inputs)
        changed = (
            gradient.contiguous() if self._is_channels_last(gradient) and source.is_contiguous() else gradient
            for source, gradient in zip(inputs, gradients)
        )
        return tuple(changed) if self._converted else gradients

    def receipt(self, steps: int) -> str:
        if not self._converted or not (self._results or self._at_root):
            return ""
        if self._at_root:
            converted = plural(self._converted, "input")
            return f"{converted} of the compiled model converted to channels last, {each_step(self._converted, steps)}"
        return (
            f"{self._results:,} of {self._calls:,} convolution calls gave channels-last results; "
            f"{self._converted:,} images were converted for that, weights stay as they are"
        )

    def no_effect(self) -> str:
        if not self._convolutions:
            return "the model has no 2-D or 3-D convolution"
        if self._converted:
            return "convolutions of this kind give no channels-last results here"
        if self._already:
            return "all images were already channels last"
        return "no convolution of the model was called with a dense floating-point image"

    def _count(self, model: Any) -> int:
        kinds = self.torch.nn.modules.conv._ConvNd
        return sum(isinstance(module, kinds) and len(module.kernel_size) > 1 for module in model.modules())

    def _in_plain_order(self, original: Any) -> Any:
        """Give each element the random number that it gets in a plain run."""

        # No tensor is bound to a name here: torch.jit.trace would use that name for a value of the program.
        @functools.wraps(original)
        def random(*arguments: Any, **keywords: Any) -> Any:
            if self._converted and any(map(self._is_channels_last, (*arguments, *keywords.values()))):
                arguments, keywords = map_tensors(self.torch, (arguments, keywords), self._to_contiguous)
            return original(*arguments, **keywords)

        return random

    def _to_contiguous(self, tensor: Any) -> Any:
        return tensor.contiguous() if self._is_channels_last(tensor) else tensor

    def _convert(self, image: Any) -> Any:
        if type(image) is not self.torch.Tensor or image.layout != self.torch.strided or not image.is_floating_point():
            return image
        wanted = self._formats.get(image.dim())
        if (
            wanted is None
            or not image.is_cpu
            or (self._converted >= TRIALS and not self._results and not self._at_root)
        ):
            return image
        if image.is_contiguous(memory_format=wanted):
            self._already += 1
            return image
        self._converted += 1
        return image.contiguous(memory_format=wanted)

    def _is_channels_last(self, tensor: Any) -> bool:
        if not isinstance(tensor, self.torch.Tensor) or tensor.layout != self.torch.strided:
            return False
        wanted = self._formats.get(tensor.dim())
        return wanted is not None and not tensor.is_contiguous() and tensor.is_contiguous(memory_format=wanted)
