"""Fused CPU kernels for PyTorch: sigmoid focal loss and frozen batch norm."""

from __future__ import annotations

from profilednn_kernels._library import (
    KernelsUnavailableError,
    instruction_set,
    openmp_runtime,
    unavailable_reason,
)
from profilednn_kernels.focal_loss import sigmoid_focal_loss, sigmoid_focal_loss_from_labels
from profilednn_kernels.frozen_batch_norm import (
    frozen_batch_norm,
    replace_frozen_batch_norm,
    restore_frozen_batch_norm,
)
from profilednn_kernels.resnet import replace_residual_blocks
from profilednn_kernels.retinanet import retinanet_classification_loss

__all__ = [
    "KernelsUnavailableError",
    "frozen_batch_norm",
    "instruction_set",
    "openmp_runtime",
    "replace_frozen_batch_norm",
    "replace_residual_blocks",
    "restore_frozen_batch_norm",
    "retinanet_classification_loss",
    "sigmoid_focal_loss",
    "sigmoid_focal_loss_from_labels",
    "unavailable_reason",
]
