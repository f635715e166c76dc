"""The classification loss of torchvision's RetinaNet from class indices: no one-hot tensor, no boolean gather."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from profilednn_kernels.focal_loss import sigmoid_focal_loss_from_labels

# torchvision's Matcher marks anchors without an object with the same two numbers.
BACKGROUND = -1
BETWEEN_THRESHOLDS = -2


def retinanet_classification_loss(
    head: Any, targets: list[dict[str, Tensor]], head_outputs: dict[str, Tensor], matched_idxs: list[Tensor]
) -> Tensor:
    """Replaces `RetinaNetClassificationHead.compute_loss`: assign it to the class, or call it with a head."""
    logits = head_outputs["cls_logits"]
    labels, weights = [], []
    for image_targets, matched in zip(targets, matched_idxs):
        foreground = matched >= 0
        classes = image_targets["labels"]
        # Without objects no anchor is foreground, and there is nothing to index.
        labels.append(torch.where(foreground, classes[matched.clamp(min=0)], matched) if len(classes) else matched)
        weights.append(1 / (foreground.sum().clamp(min=1) * len(targets)))
    # Each image is divided by its own number of foreground anchors, in the same pass.
    return sigmoid_focal_loss_from_labels(
        logits,
        torch.stack(labels),
        reduction="sum",
        background_index=BACKGROUND,
        ignore_index=BETWEEN_THRESHOLDS,
        weights=torch.stack(weights).unsqueeze(1).expand(logits.shape[:2]),
    )
