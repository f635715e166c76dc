"""CPU kernels for PyTorch: fused sigmoid focal loss, fused frozen batch norm, Winograd convolutions in bfloat16."""

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
    frozen_forward,
    frozen_types,
    is_frozen,
    replace_frozen_batch_norm,
)
from profilednn_kernels.resnet import (
    norms_of,
    replace_residual_blocks,
    residual_forward,
    residual_types,
    restore_frozen_batch_norm,
)
from profilednn_kernels.retinanet import retinanet_classification_loss
from profilednn_kernels.winograd import (
    replace_3x3_convolutions,
    restore_3x3_convolutions,
    takes_winograd,
    winograd_calls,
    winograd_convolution,
    winograd_forward,
    winograd_weight,
    winograd_weights_kept,
)

__all__ = [
    "KernelsUnavailableError",
    "frozen_batch_norm",
    "frozen_forward",
    "frozen_types",
    "instruction_set",
    "is_frozen",
    "norms_of",
    "openmp_runtime",
    "replace_3x3_convolutions",
    "replace_frozen_batch_norm",
    "replace_residual_blocks",
    "residual_forward",
    "residual_types",
    "restore_3x3_convolutions",
    "restore_frozen_batch_norm",
    "retinanet_classification_loss",
    "sigmoid_focal_loss",
    "sigmoid_focal_loss_from_labels",
    "takes_winograd",
    "unavailable_reason",
    "winograd_calls",
    "winograd_convolution",
    "winograd_forward",
    "winograd_weight",
    "winograd_weights_kept",
]
