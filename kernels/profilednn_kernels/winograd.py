"""3x3 convolutions in bfloat16 by Winograd's F(2x2, 3x3), with 2.25 times fewer multiplications.

Lavin and Gray, "Fast Algorithms for Convolutional Neural Networks", 2015: Y = A' [(G g G') * (B' d B)] A. The products,
16 matrices of tiles x channels, are one grouped 1x1 convolution with 16 groups, which oneDNN computes.
"""

from __future__ import annotations

import ctypes
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from enum import IntEnum
from typing import Any, cast

import torch
from torch import Tensor, nn

from profilednn_kernels._checks import check_on_cpu
from profilednn_kernels._library import DTYPES, WinogradCall, compute_dtype, library, pointer
from profilednn_kernels._swaps import restore, swap

PLANES = 16
"""Elements of a 4x4 tile, and groups of the 1x1 convolution."""
WEIGHT_DTYPES = {torch.float32: (torch.float32, torch.bfloat16), torch.float64: (torch.float64,),
                 torch.bfloat16: (torch.bfloat16,)}  # fmt: skip
"""Types of transformed weights, by the type of the weight."""
MIN_CHANNELS = 128
"""Input and output channels; with fewer, the transforms around the products cost as much as is saved."""
MIN_TILES = 256
"""In a whole batch; with fewer, weights with 16 elements instead of 9 cost more than is saved."""
MIN_FILLED = 0.9
"""Share of the tiles' pixels that lie inside the picture: 7x7 fills three quarters of 8x8."""


class _Map(IntEnum):
    TILES_OF_INPUT, GRADIENT_OF_INPUT, OUTPUT_OF_TILES, TILES_OF_OUTPUT_GRADIENT, WEIGHT, WEIGHT_GRADIENT = range(6)


def winograd_weight(weight: Tensor, dtype: torch.dtype) -> Tensor:
    """Transforms `weight` (K, C, 3, 3) for `winograd_convolution`: (16 K, C, 1, 1) in `dtype`, differentiable."""
    check_on_cpu("weight", weight)
    if weight.dim() != 4 or weight.shape[2:] != (3, 3):
        raise ValueError(f"weight has shape {tuple(weight.shape)}: pass one with shape (K, C, 3, 3).")
    if dtype not in WEIGHT_DTYPES.get(weight.dtype, ()):
        raise TypeError(f"a weight in {weight.dtype} cannot be transformed to {dtype}: convert it to {dtype} first.")
    transformed: Tensor = _weight(weight, dtype)
    return transformed


def winograd_convolution(x: Tensor, transformed: Tensor, bias: Tensor | None = None) -> Tensor:
    """The 3x3 convolution with stride 1 and padding 1 of `x` (N, C, H, W) with a weight from `winograd_weight`.

    The result (N, K, H, W) has the type of `x` and is channels-last. A bias (K,) is added before the only rounding.
    """
    check_on_cpu("x", x)
    if x.dtype not in WEIGHT_DTYPES or x.dtype != transformed.dtype:
        raise TypeError(
            f"x is {x.dtype} and the transformed weight {transformed.dtype}: convert x, or transform to it."
        )
    if x.dim() != 4 or not x.numel() or transformed.shape[1:] != (x.shape[1], 1, 1):
        raise ValueError(
            f"x has shape {tuple(x.shape)} and the transformed weight {tuple(transformed.shape)}: pass (N, C, H, W), "
            "not empty, and (16 K, C, 1, 1)."
        )
    if bias is not None and bias.shape != (transformed.shape[0] // PLANES,):
        raise ValueError(f"bias has shape {tuple(bias.shape)}: pass one value per output channel.")
    output: Tensor = _convolution(x, transformed, bias)
    return output


def _run(which: _Map, source: Tensor, result: Tensor, picture: Tensor, bias: Tensor | None = None) -> None:
    """`picture` is the source or the result, and gives the sizes; for weights, the first two are (K, C)."""
    images, channels, height, width = picture.shape
    call = WinogradCall(
        map=which,
        input_dtype=DTYPES[source.dtype],
        output_dtype=DTYPES[result.dtype],
        threads=torch.get_num_threads(),
        images=images,
        height=height,
        width=width,
        channels=channels,
        image_stride=picture.stride(0),
        input=pointer(source),
        bias=pointer(bias),
        output=pointer(result),
    )
    library().pdnn_run_winograd(ctypes.byref(call))


def _last(tensor: Tensor) -> Tensor:
    return tensor.contiguous(memory_format=torch.channels_last)


def _last_in_each(pictures: Tensor) -> Tensor:
    """Part of a larger tensor, such as one level of a detection head, needs no copy."""
    return pictures if pictures.stride()[1:] == _strides(*pictures.shape)[1:] else _last(pictures)


def _empty(like: Tensor, *sizes: int, dtype: torch.dtype | None = None) -> Tensor:
    # Not a view: what follows a convolution may work in place.
    return like.new_empty_strided(sizes, _strides(*sizes), dtype=dtype)


def _strides(images: int, channels: int, height: int, width: int) -> tuple[int, int, int, int]:
    # Explicit even if a size is 1, because torch would then have to guess the format.
    return height * width * channels, 1, width * channels, channels


def _tiles(which: _Map, picture: Tensor) -> Tensor:
    """(N, C, H, W) to (N, 16 C, ceil(H / 2), ceil(W / 2))"""
    images, channels, height, width = picture.shape
    tiles = _empty(picture, images, PLANES * channels, (height + 1) // 2, (width + 1) // 2)
    picture = _last_in_each(picture)
    _run(which, picture, tiles, picture)
    return tiles


def _picture(which: _Map, tiles: Tensor, height: int, width: int, bias: Tensor | None = None) -> Tensor:
    """(N, 16 C, ceil(H / 2), ceil(W / 2)) to (N, C, H, W)"""
    images, channels = tiles.shape[0], tiles.shape[1] // PLANES
    picture = _empty(tiles, images, channels, height, width)
    _run(which, _last(tiles), picture, picture, bias)
    return picture


def _mapped(which: _Map, source: Tensor, height: int, width: int) -> Tensor:
    """One of the linear maps between a picture of `height` x `width` and its tiles."""
    if which in (_Map.TILES_OF_INPUT, _Map.TILES_OF_OUTPUT_GRADIENT):
        return _tiles(which, source)
    none = torch.zeros(source.shape[1] // PLANES, dtype=compute_dtype(source.dtype))
    return _picture(which, source, height, width, none if which is _Map.OUTPUT_OF_TILES else None)


def _weight_cpu(weight: Tensor, dtype: torch.dtype) -> Tensor:
    rows, channels = weight.shape[:2]
    transformed = torch.empty(PLANES * rows, channels, 1, 1, dtype=dtype)
    weight = _last(weight)
    _run(_Map.WEIGHT, weight, transformed, weight)
    return transformed


def _weight_backward_cpu(upstream: Tensor, dtype: torch.dtype) -> Tensor:
    rows, channels = upstream.shape[0] // PLANES, upstream.shape[1]
    gradient = _empty(upstream, rows, channels, 3, 3, dtype=dtype)
    _run(_Map.WEIGHT_GRADIENT, upstream.contiguous(), gradient, gradient)
    return gradient


def _convolution_cpu(x: Tensor, transformed: Tensor, bias: Tensor | None) -> Tensor:
    products = torch.conv2d(_tiles(_Map.TILES_OF_INPUT, x), transformed, groups=PLANES)
    dtype, rows = compute_dtype(x.dtype), transformed.shape[0] // PLANES
    added = torch.zeros(rows, dtype=dtype) if bias is None else bias.to(dtype).contiguous()
    return _picture(_Map.OUTPUT_OF_TILES, products, x.shape[2], x.shape[3], added)


def _convolution_backward_cpu(
    upstream: Tensor, x: Tensor, transformed: Tensor, needs_x: bool, needs_weight: bool
) -> tuple[Tensor, Tensor]:
    images, channels, height, width = x.shape
    upstream_tiles = _tiles(_Map.TILES_OF_OUTPUT_GRADIENT, upstream)
    # The gradient of the tiles needs only their shape.
    sizes = (images, PLANES * channels, *upstream_tiles.shape[2:])
    tiles = _tiles(_Map.TILES_OF_INPUT, x) if needs_weight else _empty(x, *sizes)
    tiles_gradient, weight_gradient, _ = torch.ops.aten.convolution_backward(
        upstream_tiles, tiles, transformed, None, [1, 1], [0, 0], [1, 1], False, [0, 0], PLANES,
        [needs_x, needs_weight, False],
    )  # fmt: skip
    x_gradient = _picture(_Map.GRADIENT_OF_INPUT, tiles_gradient, height, width) if needs_x else x.new_empty(0)
    return x_gradient, weight_gradient if needs_weight else x.new_empty(0)


_weight = torch.library.custom_op(
    "profilednn::winograd_weight",
    _weight_cpu,
    mutates_args=(),
    schema="(Tensor weight, ScalarType dtype) -> Tensor",
)
_weight_backward = torch.library.custom_op(
    "profilednn::winograd_weight_backward",
    _weight_backward_cpu,
    mutates_args=(),
    schema="(Tensor upstream, ScalarType dtype) -> Tensor",
)
_convolution = torch.library.custom_op(
    "profilednn::winograd_convolution",
    _convolution_cpu,
    mutates_args=(),
    schema="(Tensor x, Tensor transformed, Tensor? bias) -> Tensor",
)
_map = torch.library.custom_op(
    "profilednn::winograd_map",
    lambda source, which, height, width: _mapped(_Map(which), source, height, width),
    mutates_args=(),
    schema="(Tensor source, int which, int height, int width) -> Tensor",
)
_convolution_backward = torch.library.custom_op(
    "profilednn::winograd_convolution_backward",
    _convolution_backward_cpu,
    mutates_args=(),
    schema="(Tensor upstream, Tensor x, Tensor transformed, bool needs_x, bool needs_weight) -> (Tensor, Tensor)",
)


def _weight_fake(weight: Tensor, dtype: torch.dtype) -> Tensor:
    return weight.new_empty((PLANES * weight.shape[0], weight.shape[1], 1, 1), dtype=dtype)


def _weight_backward_fake(upstream: Tensor, dtype: torch.dtype) -> Tensor:
    return _empty(upstream, upstream.shape[0] // PLANES, upstream.shape[1], 3, 3, dtype=dtype)


def _convolution_fake(x: Tensor, transformed: Tensor, bias: Tensor | None) -> Tensor:
    return _empty(x, x.shape[0], transformed.shape[0] // PLANES, x.shape[2], x.shape[3])


def _convolution_backward_fake(
    upstream: Tensor, x: Tensor, transformed: Tensor, needs_x: bool, needs_weight: bool
) -> tuple[Tensor, Tensor]:
    x_gradient = _empty(x, *x.shape) if needs_x else x.new_empty(0)
    return x_gradient, torch.empty_like(transformed) if needs_weight else x.new_empty(0)


def _weight_setup(ctx: Any, inputs: tuple[Any, ...], output: Tensor) -> None:
    ctx.dtype = inputs[0].dtype


def _weight_autograd(ctx: Any, upstream: Tensor) -> tuple[Tensor | None, ...]:
    return _weight_backward(upstream, ctx.dtype), None


def _weight_backward_autograd(ctx: Any, upstream: Tensor) -> tuple[Tensor | None, ...]:
    return _weight(upstream, ctx.dtype), None


def _convolution_setup(ctx: Any, inputs: tuple[Any, ...], output: Tensor) -> None:
    x, transformed, bias = inputs
    ctx.bias_dtype = None if bias is None else bias.dtype
    ctx.save_for_backward(x, transformed)


def _convolution_autograd(ctx: Any, upstream: Tensor) -> tuple[Tensor | None, ...]:
    x, transformed = ctx.saved_tensors
    needs_x, needs_weight, needs_bias = ctx.needs_input_grad
    bias_gradient = x_gradient = weight_gradient = None
    if needs_x or needs_weight:
        # Grad mode is on here only when the caller asked for create_graph=True.
        backward = _convolution_backward_by_maps if torch.is_grad_enabled() else _convolution_backward
        x_gradient, weight_gradient = backward(upstream, x, transformed, needs_x, needs_weight)
    if needs_bias:
        bias_gradient = upstream.sum((0, 2, 3), dtype=compute_dtype(upstream.dtype)).to(ctx.bias_dtype)
    return x_gradient if needs_x else None, weight_gradient if needs_weight else None, bias_gradient


def _convolution_backward_by_maps(
    upstream: Tensor, x: Tensor, transformed: Tensor, needs_x: bool, needs_weight: bool
) -> tuple[Tensor | None, Tensor | None]:
    """The same gradients by operators that are themselves differentiable."""
    height, width = x.shape[2:]
    tiles_gradient, weight_gradient, _ = torch.ops.aten.convolution_backward(
        _map(upstream, _Map.TILES_OF_OUTPUT_GRADIENT, height, width), _map(x, _Map.TILES_OF_INPUT, height, width),
        transformed, None, [1, 1], [0, 0], [1, 1], False, [0, 0], PLANES, [needs_x, needs_weight, False],
    )  # fmt: skip
    return _map(tiles_gradient, _Map.GRADIENT_OF_INPUT, height, width) if needs_x else None, weight_gradient


_ADJOINTS = {
    _Map.TILES_OF_INPUT: _Map.GRADIENT_OF_INPUT,
    _Map.OUTPUT_OF_TILES: _Map.TILES_OF_OUTPUT_GRADIENT,
    _Map.GRADIENT_OF_INPUT: _Map.TILES_OF_INPUT,
    _Map.TILES_OF_OUTPUT_GRADIENT: _Map.OUTPUT_OF_TILES,
}


def _map_setup(ctx: Any, inputs: tuple[Any, ...], output: Tensor) -> None:
    _, ctx.which, ctx.height, ctx.width = inputs


def _map_autograd(ctx: Any, upstream: Tensor) -> tuple[Tensor | None, ...]:
    return _map(upstream, _ADJOINTS[_Map(ctx.which)], ctx.height, ctx.width), None, None, None


def _map_fake(source: Tensor, which: int, height: int, width: int) -> Tensor:
    images, channels = source.shape[:2]
    if which in (_Map.TILES_OF_INPUT, _Map.TILES_OF_OUTPUT_GRADIENT):
        return _empty(source, images, PLANES * channels, (height + 1) // 2, (width + 1) // 2)
    return _empty(source, images, channels // PLANES, height, width)


_map.register_fake(_map_fake)
_map.register_autograd(_map_autograd, setup_context=_map_setup)
_weight_backward.register_autograd(_weight_backward_autograd, setup_context=_weight_setup)
_weight.register_fake(_weight_fake)
_weight_backward.register_fake(_weight_backward_fake)
_convolution.register_fake(_convolution_fake)
_convolution_backward.register_fake(_convolution_backward_fake)
_weight.register_autograd(_weight_autograd, setup_context=_weight_setup)
_convolution.register_autograd(_convolution_autograd, setup_context=_convolution_setup)


# Modules


class _Kept(threading.local):
    """Transformed weights of this thread's `winograd_weights_kept`, with the weights they were made from."""

    weights: dict[tuple[int, torch.dtype, bool], tuple[Tensor, Tensor]] | None = None


_kept = _Kept()
_calls: Counter[str] = Counter()


@contextmanager
def winograd_weights_kept() -> Iterator[None]:
    """A context in which each weight is transformed only once; weights must not change inside it."""
    before, _kept.weights = _kept.weights, {}
    try:
        yield
    finally:
        _kept.weights = before


def winograd_calls() -> Counter[str]:
    """Counts of `winograd_forward` calls: `taken`, or not, because of their `dtype` or their `size`."""
    return _calls.copy()


def _transformed(weight: Tensor, dtype: torch.dtype) -> Tensor:
    if _kept.weights is None or torch.compiler.is_compiling():
        return winograd_weight(weight, dtype)
    key = id(weight), dtype, torch.is_grad_enabled()
    if key not in _kept.weights:
        _kept.weights[key] = weight, winograd_weight(weight, dtype)
    return _kept.weights[key][1]


def winograd_forward(module: nn.Conv2d, x: Tensor) -> Tensor | None:
    """The result of `module` for `x` by Winograd's algorithm; None if it cannot be used or gains nothing.

    `module` must satisfy `takes_winograd`. The algorithm is used in bfloat16 (of the input or of autocast), for at
    least `MIN_TILES` tiles.
    """
    autocast = x.device.type == "cpu" and torch.is_autocast_enabled("cpu")
    dtype = torch.get_autocast_dtype("cpu") if autocast else x.dtype
    way = _way(module, x, dtype)
    _calls[way] += 1
    if way != "taken":
        return None
    return winograd_convolution(x.to(dtype), _transformed(module.weight, dtype), module.bias)


def _forward(self: Any, x: Tensor) -> Tensor:
    output = winograd_forward(self, x)
    return cast(Tensor, self.unfused.forward(self, x)) if output is None else output


def _way(self: Any, x: Tensor, dtype: torch.dtype) -> str:
    on_cpu = x.device.type == self.weight.device.type == "cpu"
    if dtype != torch.bfloat16 or dtype not in WEIGHT_DTYPES.get(self.weight.dtype, ()) or not on_cpu:
        return "dtype"
    if x.dim() != 4 or x.shape[1] != self.in_channels:
        return "size"
    images, _, height, width = x.shape
    tiles = images * ((height + 1) // 2) * ((width + 1) // 2)
    return "taken" if tiles >= MIN_TILES and images * height * width >= MIN_FILLED * 4 * tiles else "size"


def takes_winograd(module: nn.Module) -> bool:
    """Whether a module is a convolution that `winograd_forward` supports, whatever its input."""
    return (
        type(module) is nn.Conv2d
        and (module.kernel_size, module.stride, module.dilation) == ((3, 3), (1, 1), (1, 1))
        and module.padding in ((1, 1), "same")
        and module.padding_mode == "zeros"
        and module.groups == 1
        and min(module.in_channels, module.out_channels) >= MIN_CHANNELS
    )


def replace_3x3_convolutions(model: nn.Module) -> int:
    """Gives every 3x3 convolution of `model` that can benefit Winograd's forward, and returns how many there were.

    It is used in bfloat16 (of the input or of autocast), for at least `MIN_TILES` tiles; other calls run as before. The
    module objects, their parameters, hooks and state dict stay the same.
    """
    found = [module for module in model.modules() if takes_winograd(module)]
    for module in found:
        swap(module, _forward)
    return len(found)


def restore_3x3_convolutions(model: nn.Module) -> int:
    """Undoes `replace_3x3_convolutions`, and returns how many modules it changed."""
    return restore(model, _forward)
