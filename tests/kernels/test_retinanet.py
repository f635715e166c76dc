"""A RetinaNet training step with the fused loss and the fused frozen batch norm."""

from __future__ import annotations

import copy
from types import MethodType

import pytest
import torch
from profilednn_kernels import replace_frozen_batch_norm, retinanet_classification_loss
from torch import Tensor
from torchvision.models import resnet18
from torchvision.models.detection import RetinaNet
from torchvision.models.detection.anchor_utils import AnchorGenerator
from torchvision.models.detection.backbone_utils import _resnet_fpn_extractor
from torchvision.ops import FrozenBatchNorm2d

Batch = tuple[list[Tensor], list[dict[str, Tensor]]]


@pytest.fixture
def model() -> RetinaNet:
    backbone = resnet18(weights=None, norm_layer=FrozenBatchNorm2d)
    extractor = _resnet_fpn_extractor(backbone, trainable_layers=3, returned_layers=[3, 4])
    anchors = AnchorGenerator(sizes=((32,), (64,), (128,)), aspect_ratios=((0.5, 1.0, 2.0),) * 3)
    return RetinaNet(extractor, num_classes=7, anchor_generator=anchors, min_size=128, max_size=128)


@pytest.fixture
def batch() -> Batch:
    boxes = torch.tensor([[10.0, 10.0, 60.0, 70.0], [50.0, 40.0, 120.0, 110.0]])
    with_objects = {"boxes": boxes, "labels": torch.tensor([2, 5])}
    without = {"boxes": torch.zeros(0, 4), "labels": torch.zeros(0, dtype=torch.int64)}
    return [torch.rand(3, 128, 128), torch.rand(3, 128, 128)], [with_objects, without]


def step(model: RetinaNet, batch: Batch) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
    model.train()
    losses = model(*copy.deepcopy(batch))
    sum(losses.values()).backward()
    gradients = {name: p.grad for name, p in model.named_parameters() if p.grad is not None}
    return {name: loss.detach() for name, loss in losses.items()}, gradients


def test_step_with_the_fused_kernels_gives_torchvisions_losses_and_gradients(model: RetinaNet, batch: Batch) -> None:
    fused = copy.deepcopy(model)
    head = fused.head.classification_head
    head.compute_loss = MethodType(retinanet_classification_loss, head)
    assert replace_frozen_batch_norm(fused) == 20

    expected_losses, expected = step(model, batch)
    losses, gradients = step(fused, batch)

    assert losses.keys() == expected_losses.keys()
    for name in losses:
        torch.testing.assert_close(losses[name], expected_losses[name], rtol=1e-5, atol=0)
    assert gradients.keys() == expected.keys()
    for name, gradient in gradients.items():
        scale = expected[name].abs().max()
        assert (gradient - expected[name]).abs().max() <= 1e-5 * scale, name
