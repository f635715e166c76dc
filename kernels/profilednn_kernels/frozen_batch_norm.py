"""Frozen batch norm in one pass: y = scale x + shift, with an optional residual and ReLU."""

from __future__ import annotations

import ctypes
import sys
from typing import Any, cast

import torch
from torch import Tensor, nn

from profilednn_kernels._checks import check_constant, check_floating, check_same_shape
from profilednn_kernels._library import DTYPES, FrozenBatchNormCall, compute_dtype, library, pointer
from profilednn_kernels._swaps import is_swapped, swap, unfused

CHANNELS_LAST = {4: torch.channels_last, 5: torch.channels_last_3d}


def frozen_batch_norm(
    x: Tensor, scale: Tensor, shift: Tensor, residual: Tensor | None = None, relu: bool = False
) -> Tensor:
    """`relu(scale x + shift + residual)` over the channels (dimension 1) of `x`, with `scale` and `shift` constant.

    `x` is not kept for the backward pass. The result has the type and the memory layout of `x`.
    """
    check_floating("x", x)
    if x.dim() < 2:
        raise ValueError(f"x has shape {tuple(x.shape)}, but channels are dimension 1: pass at least two dimensions.")
    for name, vector in (("scale", scale), ("shift", shift)):
        check_floating(name, vector)
        check_constant(name, vector)
        if vector.shape != (x.shape[1],):
            raise ValueError(f"{name} has shape {tuple(vector.shape)}: pass one value per channel ({x.shape[1]}).")
    if residual is not None:
        check_floating("residual", residual)
        check_same_shape("residual", residual, "x", x)
        if residual.dtype != x.dtype:
            raise TypeError(f"residual is {residual.dtype} and x {x.dtype}: convert one of them.")
    output: Tensor = _forward(x, scale, shift, residual, relu)
    return output


def _memory_format(x: Tensor) -> torch.memory_format:
    last = CHANNELS_LAST.get(x.dim())
    if last is not None and x.is_contiguous(memory_format=last) and not x.is_contiguous():
        return last
    return torch.contiguous_format


def _run(like: Tensor, scale: Tensor, *, relu: bool, shift: Tensor | None = None, **tensors: Tensor | None) -> None:
    images, channels, *space = like.shape
    pixels = 1
    for size in space:
        pixels *= size
    dtype = compute_dtype(like.dtype)
    scale = scale.to(dtype).contiguous()
    shift = torch.zeros_like(scale) if shift is None else shift.to(dtype).contiguous()
    call = FrozenBatchNormCall(
        images=images,
        channels=channels,
        pixels=pixels,
        dtype=DTYPES[like.dtype],
        # A single pixel is a row of channels in either layout.
        channels_last=pixels == 1 or _memory_format(like) != torch.contiguous_format,
        relu=relu,
        threads=torch.get_num_threads(),
        scale=pointer(scale),
        shift=pointer(shift),
        **{name: pointer(tensor) for name, tensor in tensors.items()},
    )
    library().pdnn_run_frozen_batch_norm(ctypes.byref(call))


def _forward_cpu(x: Tensor, scale: Tensor, shift: Tensor, residual: Tensor | None, relu: bool) -> Tensor:
    memory_format = _memory_format(x)
    x = x.contiguous(memory_format=memory_format)
    if residual is not None:
        residual = residual.contiguous(memory_format=memory_format)
    output = torch.empty_like(x, memory_format=memory_format)
    _run(x, scale, relu=relu, shift=shift, input=x, residual=residual, output=output)
    return output


def _backward_cpu(
    upstream: Tensor, scale: Tensor, output: Tensor | None, needs_input: bool, needs_residual: bool
) -> tuple[Tensor, Tensor]:
    dx, dresidual = _empty_gradients(upstream, needs_input, needs_residual)
    _run(
        upstream,
        scale,
        relu=output is not None,
        upstream=upstream,
        output=output,
        input_gradient=dx if needs_input else None,
        residual_gradient=dresidual if needs_residual else None,
    )
    return dx, dresidual


def _empty_gradients(upstream: Tensor, needs_input: bool, needs_residual: bool) -> tuple[Tensor, Tensor]:
    dx, dresidual = (
        torch.empty_like(upstream) if needed else upstream.new_empty(0) for needed in (needs_input, needs_residual)
    )
    return dx, dresidual


_forward = torch.library.custom_op(
    "profilednn::frozen_batch_norm",
    _forward_cpu,
    mutates_args=(),
    schema="(Tensor x, Tensor scale, Tensor shift, Tensor? residual, bool relu) -> Tensor",
)
_backward = torch.library.custom_op(
    "profilednn::frozen_batch_norm_backward",
    _backward_cpu,
    mutates_args=(),
    schema="(Tensor upstream, Tensor scale, Tensor? output, bool needs_input, bool needs_residual) -> (Tensor, Tensor)",
)


def _forward_fake(x: Tensor, scale: Tensor, shift: Tensor, residual: Tensor | None, relu: bool) -> Tensor:
    return torch.empty_like(x, memory_format=_memory_format(x))


def _backward_fake(
    upstream: Tensor, scale: Tensor, output: Tensor | None, needs_input: bool, needs_residual: bool
) -> tuple[Tensor, Tensor]:
    return _empty_gradients(upstream, needs_input, needs_residual)


def _setup(ctx: Any, inputs: tuple[Any, ...], output: Tensor) -> None:
    _, scale, _, _, relu = inputs
    ctx.set_materialize_grads(False)
    ctx.memory_format = _memory_format(output)
    ctx.save_for_backward(scale, output if relu else None)


def _autograd(ctx: Any, upstream: Tensor | None) -> tuple[Tensor | None, ...]:
    if upstream is None:
        return None, None, None, None, None
    scale, output = ctx.saved_tensors
    needs_input, _, _, needs_residual, _ = ctx.needs_input_grad
    if torch.is_grad_enabled():  # only when the caller asked for create_graph=True
        masked = upstream if output is None else torch.where(output > 0, upstream, torch.zeros_like(upstream))
        return _scaled(masked, scale) if needs_input else None, None, None, masked if needs_residual else None, None
    # Without ReLU the residual's gradient is the incoming one.
    writes_residual = needs_residual and output is not None
    upstream = upstream.contiguous(memory_format=ctx.memory_format)
    dx, dresidual = upstream, upstream
    if needs_input or writes_residual:
        dx, masked = _backward(upstream, scale, output, needs_input, writes_residual)
        dresidual = masked if writes_residual else upstream
    return dx if needs_input else None, None, None, dresidual if needs_residual else None, None


def _scaled(upstream: Tensor, scale: Tensor) -> Tensor:
    """`upstream * scale` by operators that are themselves differentiable, with one rounding."""
    dtype = compute_dtype(upstream.dtype)
    return (upstream.to(dtype) * scale.to(dtype).view(-1, *[1] * (upstream.dim() - 2))).to(upstream.dtype)


_forward.register_fake(_forward_fake)
_backward.register_fake(_backward_fake)
_forward.register_autograd(_autograd, setup_context=_setup)


# Modules


def frozen_forward(module: nn.Module, x: Tensor, residual: Tensor | None = None, relu: bool = False) -> Tensor | None:
    """`relu(module(x) + residual)` in one pass; None if `module` is not frozen or `x` is not supported.

    Frozen modules are torchvision's `FrozenBatchNorm2d`, and `BatchNorm2d` in eval mode whose parameters need no
    gradient.
    """
    if not is_frozen(module) or x.dim() < 2 or x.device.type != "cpu" or x.dtype not in DTYPES:
        return None
    if residual is not None and (residual.dtype != x.dtype or residual.shape != x.shape):
        return None
    frozen: Any = module
    scale = torch.rsqrt(frozen.running_var + frozen.eps)
    if frozen.weight is not None:
        scale = scale * frozen.weight
    shift = -frozen.running_mean * scale
    if frozen.bias is not None:
        shift = shift + frozen.bias
    if scale.device.type != "cpu" or scale.shape != x.shape[1:2]:
        return None
    return frozen_batch_norm(x, scale, shift, residual, relu)


def normalize_frozen(self: Any, x: Tensor) -> Tensor:
    """The forward method of both kinds of frozen modules."""
    output = frozen_forward(self, x)
    return cast(Tensor, self.unfused.forward(self, x)) if output is None else output


def frozen_types() -> tuple[type[nn.Module], ...]:
    """Classes of modules that may be frozen batch norms; torchvision's only if the program has loaded it."""
    loaded = sys.modules.get("torchvision.ops.misc")
    return (nn.BatchNorm2d,) if loaded is None else (nn.BatchNorm2d, loaded.FrozenBatchNorm2d)


def is_frozen(module: nn.Module) -> bool:
    """Whether a module is currently a frozen batch norm."""
    kind = unfused(module)
    if kind not in frozen_types():
        return False
    if kind is not nn.BatchNorm2d:
        return True
    if module.training or module.running_var is None:
        return False
    return not any(tensor is not None and tensor.requires_grad for tensor in (module.weight, module.bias))


def replace_frozen_batch_norm(model: nn.Module) -> int:
    """Gives every frozen batch norm of `model` the fused forward, and returns how many there were.

    torchvision's `FrozenBatchNorm2d` and `BatchNorm2d` in eval mode without trainable parameters count as frozen. The
    module objects, their buffers, hooks and state dict stay the same.
    """
    frozen = [module for module in model.modules() if not is_swapped(module) and is_frozen(module)]
    for module in frozen:
        swap(module, normalize_frozen)
    return len(frozen)
