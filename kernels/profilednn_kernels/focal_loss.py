"""Sigmoid focal loss, from dense targets and from class indices."""

from __future__ import annotations

import torch
from torch import Tensor

from profilednn_kernels._checks import check_constant, check_floating, check_on_cpu, check_same_shape
from profilednn_kernels._focal_loss_ops import dense_op, from_labels_op

REDUCTIONS = ("none", "mean", "sum")


def sigmoid_focal_loss(
    inputs: Tensor,
    targets: Tensor,
    alpha: float = 0.25,
    gamma: float = 2,
    reduction: str = "none",
) -> Tensor:
    """torchvision's `sigmoid_focal_loss`, fused.

    `targets` may be anywhere between 0 and 1; a negative `alpha` means no weighting. The loss of bfloat16 and float16
    inputs is float32, as under autocast; the gradient has the type of `inputs`.
    """
    _check(inputs, gamma, reduction)
    check_floating("targets", targets)
    check_same_shape("inputs", inputs, "targets", targets)
    check_constant("targets", targets)
    needs_gradient = _needs_gradient(inputs, reduction)
    loss, _ = dense_op(inputs, targets, float(alpha), float(gamma), reduction, needs_gradient)
    return loss


def sigmoid_focal_loss_from_labels(
    logits: Tensor,
    labels: Tensor,
    alpha: float = 0.25,
    gamma: float = 2,
    reduction: str = "none",
    *,
    background_index: int = -1,
    ignore_index: int = -2,
    weights: Tensor | None = None,
) -> Tensor:
    """`sigmoid_focal_loss` of `logits` (..., classes) against the one-hot form of `labels` (...), which is never built.

    An anchor labelled `background_index` has no positive class; one labelled `ignore_index` has zero loss and does not
    count in the mean. `weights` (...) multiplies the loss of each anchor.
    """
    _check(logits, gamma, reduction)
    check_on_cpu("labels", labels)
    if logits.dim() == 0 or labels.shape != logits.shape[:-1]:
        raise ValueError(
            f"labels has shape {tuple(labels.shape)} and logits {tuple(logits.shape)}: "
            "pass one label for each row of logits."
        )
    if labels.dtype.is_floating_point or labels.dtype.is_complex or labels.dtype == torch.bool:
        raise TypeError(f"labels is {labels.dtype}, but class indices are integers: pass int64.")
    if weights is not None:
        check_floating("weights", weights)
        check_same_shape("weights", weights, "labels", labels)
        check_constant("weights", weights)
    needs_gradient = _needs_gradient(logits, reduction)
    loss, _ = from_labels_op(
        logits, labels, weights, float(alpha), float(gamma), reduction, background_index, ignore_index, needs_gradient
    )
    return loss


def _check(inputs: Tensor, gamma: float, reduction: str) -> None:
    check_floating("inputs", inputs)
    if not gamma >= 0:
        raise ValueError(f"gamma is {gamma}, but the focusing exponent cannot be negative: pass 0 or more.")
    if reduction not in REDUCTIONS:
        raise ValueError(f"reduction is {reduction!r}: pass one of 'none', 'mean' and 'sum'.")


def _needs_gradient(inputs: Tensor, reduction: str) -> bool:
    return bool(reduction != "none" and inputs.requires_grad and torch.is_grad_enabled())
