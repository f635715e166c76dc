"""The focal loss as torch operators.

With a reduction, the forward pass also computes the gradient, and the backward pass scales it.
"""

from __future__ import annotations

import ctypes
import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from profilednn_kernels._checks import check_no_double_backward
from profilednn_kernels._library import FocalLossCall, TensorView, compute_dtype, int64_array, library, pointer


@dataclass(frozen=True)
class _Targets:
    """Dense targets, or class indices with their row weights."""

    dense: Tensor | None = None
    labels: Tensor | None = None
    weights: Tensor | None = None
    background: int = 0
    ignore: int = 0

    @classmethod
    def from_labels(cls, labels: Tensor, weights: Tensor | None, background: int, ignore: int) -> _Targets:
        return cls(
            labels=labels.to(torch.int64).contiguous(),
            weights=None if weights is None else weights.to(torch.float32).contiguous(),
            background=background,
            ignore=ignore,
        )

    def count_elements(self, inputs: Tensor) -> int:
        """The number of elements that count in the mean."""
        if self.labels is None:
            return int(inputs.numel())
        classes = inputs.shape[-1]
        rows: int = library().pdnn_count_valid_labels(
            self.labels.data_ptr(), self.labels.numel(), classes, self.background, self.ignore
        )
        if rows < 0:
            anchor = -1 - rows
            raise IndexError(
                f"label {self.labels.flatten()[anchor].item()} of anchor {anchor} is neither one of {classes} classes "
                f"nor background ({self.background}) nor ignored ({self.ignore}): correct the label or the two indices."
            )
        return int(rows * classes)

    @property
    def memory_format(self) -> torch.memory_format:
        # Rows must keep their order in memory; without rows, results have the memory layout of the inputs.
        return torch.preserve_format if self.labels is None else torch.contiguous_format


def _run(
    inputs: Tensor,
    targets: _Targets,
    alpha: float,
    gamma: float,
    *,
    scale: float = 1.0,
    upstream: Tensor | None = None,
    loss: Tensor | None = None,
    gradient: Tensor | None = None,
) -> float:
    call = FocalLossCall(
        sizes=int64_array(inputs.shape),
        ndim=inputs.dim(),
        threads=torch.get_num_threads(),
        inputs=TensorView.of(inputs),
        targets=TensorView.of(targets.dense),
        upstream=TensorView.of(upstream),
        loss=TensorView.of(loss),
        gradient=TensorView.of(gradient),
        positive_weight=scale * (1.0 if alpha < 0 else alpha),
        negative_weight=scale * (1.0 if alpha < 0 else 1.0 - alpha),
        gamma=gamma,
        labels=pointer(targets.labels),
        weights=pointer(targets.weights),
        background=targets.background,
        ignore=targets.ignore,
    )
    return float(library().pdnn_run_focal_loss(ctypes.byref(call)))


def _forward(
    inputs: Tensor, targets: _Targets, alpha: float, gamma: float, reduction: str, needs_gradient: bool
) -> tuple[Tensor, Tensor]:
    """The loss, and its gradient or an empty tensor."""
    loss, gradient = _empty_results(inputs, reduction, needs_gradient, targets.memory_format)
    count = targets.count_elements(inputs)
    if reduction == "none":
        _run(inputs, targets, alpha, gamma, loss=loss)
        return loss, gradient
    scale = 1.0 if reduction == "sum" else 1 / count if count else math.nan
    total = _run(inputs, targets, alpha, gamma, scale=scale, gradient=gradient if needs_gradient else None)
    return loss.fill_(total if reduction == "sum" or count else math.nan), gradient


def _backward(upstream: Tensor, inputs: Tensor, targets: _Targets, alpha: float, gamma: float) -> Tensor:
    """The gradient of the unreduced loss."""
    gradient = torch.empty_like(inputs, memory_format=targets.memory_format)
    _run(inputs, targets, alpha, gamma, upstream=upstream.to(compute_dtype(inputs.dtype)), gradient=gradient)
    return gradient


def _empty_results(
    inputs: Tensor, reduction: str, needs_gradient: bool, memory_format: torch.memory_format
) -> tuple[Tensor, Tensor]:
    dtype = compute_dtype(inputs.dtype)
    loss = (
        torch.empty_like(inputs, dtype=dtype, memory_format=memory_format)
        if reduction == "none"
        else inputs.new_empty((), dtype=dtype)
    )
    gradient = torch.empty_like(inputs, memory_format=memory_format) if needs_gradient else inputs.new_empty(0)
    return loss, gradient


def _scale(gradient: Tensor, upstream: Tensor) -> Tensor:
    """The gradient of a reduced loss, scaled in place if nothing else can see it."""
    if type(gradient) is not Tensor or _graph_is_kept():  # traced by a compiler, or needed for another backward
        return gradient * upstream
    factor = upstream.item()
    return gradient if factor == 1 else gradient.mul_(factor)


def _graph_is_kept() -> bool:
    # torch 2.4 cannot tell.
    ask = getattr(torch._C._autograd, "_get_current_graph_task_keep_graph", None)
    return ask is None or bool(ask())


# The dense operator


def _dense_forward(
    inputs: Tensor, targets: Tensor, alpha: float, gamma: float, reduction: str, needs_gradient: bool
) -> tuple[Tensor, Tensor]:
    return _forward(inputs, _Targets(targets), alpha, gamma, reduction, needs_gradient)


def _dense_backward(upstream: Tensor, inputs: Tensor, targets: Tensor, alpha: float, gamma: float) -> Tensor:
    return _backward(upstream, inputs, _Targets(targets), alpha, gamma)


dense_op = torch.library.custom_op(
    "profilednn::sigmoid_focal_loss",
    _dense_forward,
    mutates_args=(),
    schema="(Tensor inputs, Tensor targets, float alpha, float gamma, str reduction, bool needs_gradient)"
    " -> (Tensor, Tensor)",
)
dense_gradient_op = torch.library.custom_op(
    "profilednn::sigmoid_focal_loss_backward",
    _dense_backward,
    mutates_args=(),
    schema="(Tensor upstream, Tensor inputs, Tensor targets, float alpha, float gamma) -> Tensor",
)


def _dense_fake(
    inputs: Tensor, targets: Tensor, alpha: float, gamma: float, reduction: str, needs_gradient: bool
) -> tuple[Tensor, Tensor]:
    return _empty_results(inputs, reduction, needs_gradient, torch.preserve_format)


def _dense_gradient_fake(upstream: Tensor, inputs: Tensor, targets: Tensor, alpha: float, gamma: float) -> Tensor:
    return torch.empty_like(inputs)


def _dense_setup(ctx: Any, inputs: tuple[Any, ...], output: tuple[Tensor, Tensor]) -> None:
    logits, targets, *ctx.exponents, ctx.reduction, _ = inputs
    _save(ctx, output[1], logits, targets)


def _dense_autograd(ctx: Any, upstream: Tensor | None, _: None) -> tuple[Tensor | None, ...]:
    def unreduced(logits: Tensor, targets: Tensor) -> Tensor:
        return dense_gradient_op(upstream, logits, targets, *ctx.exponents)

    return _gradient(ctx, "sigmoid_focal_loss", upstream, unreduced), *(None,) * 5


# The class-index operator


def _from_labels_forward(
    logits: Tensor,
    labels: Tensor,
    weights: Tensor | None,
    alpha: float,
    gamma: float,
    reduction: str,
    background_index: int,
    ignore_index: int,
    needs_gradient: bool,
) -> tuple[Tensor, Tensor]:
    targets = _Targets.from_labels(labels, weights, background_index, ignore_index)
    return _forward(logits, targets, alpha, gamma, reduction, needs_gradient)


def _from_labels_backward(
    upstream: Tensor,
    logits: Tensor,
    labels: Tensor,
    weights: Tensor | None,
    alpha: float,
    gamma: float,
    background_index: int,
    ignore_index: int,
) -> Tensor:
    targets = _Targets.from_labels(labels, weights, background_index, ignore_index)
    return _backward(upstream, logits, targets, alpha, gamma)


from_labels_op = torch.library.custom_op(
    "profilednn::sigmoid_focal_loss_from_labels",
    _from_labels_forward,
    mutates_args=(),
    schema="(Tensor logits, Tensor labels, Tensor? weights, float alpha, float gamma, str reduction,"
    " int background_index, int ignore_index, bool needs_gradient) -> (Tensor, Tensor)",
)
from_labels_gradient_op = torch.library.custom_op(
    "profilednn::sigmoid_focal_loss_from_labels_backward",
    _from_labels_backward,
    mutates_args=(),
    schema="(Tensor upstream, Tensor logits, Tensor labels, Tensor? weights, float alpha, float gamma,"
    " int background_index, int ignore_index) -> Tensor",
)


def _from_labels_fake(
    logits: Tensor,
    labels: Tensor,
    weights: Tensor | None,
    alpha: float,
    gamma: float,
    reduction: str,
    background_index: int,
    ignore_index: int,
    needs_gradient: bool,
) -> tuple[Tensor, Tensor]:
    return _empty_results(logits, reduction, needs_gradient, torch.contiguous_format)


def _from_labels_gradient_fake(
    upstream: Tensor,
    logits: Tensor,
    labels: Tensor,
    weights: Tensor | None,
    alpha: float,
    gamma: float,
    background_index: int,
    ignore_index: int,
) -> Tensor:
    return torch.empty_like(logits, memory_format=torch.contiguous_format)


def _from_labels_setup(ctx: Any, inputs: tuple[Any, ...], output: tuple[Tensor, Tensor]) -> None:
    logits, labels, weights, *ctx.exponents, ctx.reduction, background_index, ignore_index, _ = inputs
    ctx.indices = (background_index, ignore_index)
    _save(ctx, output[1], logits, labels, weights)


def _from_labels_autograd(ctx: Any, upstream: Tensor | None, _: None) -> tuple[Tensor | None, ...]:
    def unreduced(logits: Tensor, labels: Tensor, weights: Tensor | None) -> Tensor:
        return from_labels_gradient_op(upstream, logits, labels, weights, *ctx.exponents, *ctx.indices)

    return _gradient(ctx, "sigmoid_focal_loss_from_labels", upstream, unreduced), *(None,) * 8


# Saved tensors and gradients of both


def _save(ctx: Any, gradient: Tensor, *operands: Tensor | None) -> None:
    ctx.set_materialize_grads(False)
    ctx.mark_non_differentiable(gradient)
    ctx.save_for_backward(*(operands if ctx.reduction == "none" else (gradient,)))


def _gradient(ctx: Any, kernel: str, upstream: Tensor | None, unreduced: Callable[..., Tensor]) -> Tensor | None:
    check_no_double_backward(kernel)
    if upstream is None:
        return None
    if ctx.reduction == "none":
        return unreduced(*ctx.saved_tensors)
    (gradient,) = ctx.saved_tensors
    return _scale(gradient, upstream)


dense_op.register_fake(_dense_fake)
dense_op.register_autograd(_dense_autograd, setup_context=_dense_setup)
dense_gradient_op.register_fake(_dense_gradient_fake)
from_labels_op.register_fake(_from_labels_fake)
from_labels_op.register_autograd(_from_labels_autograd, setup_context=_from_labels_setup)
from_labels_gradient_op.register_fake(_from_labels_gradient_fake)
