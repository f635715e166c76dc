"""Residual blocks with frozen batch norm."""

from __future__ import annotations

import copy
import pickle

import pytest
import torch
from profilednn_kernels import replace_frozen_batch_norm, replace_residual_blocks, restore_frozen_batch_norm
from torch import Tensor, nn
from torchvision.models import resnet18, resnext50_32x4d
from torchvision.models.resnet import ResNet
from torchvision.ops import FrozenBatchNorm2d


@pytest.fixture(params=[(resnet18, 8), (resnext50_32x4d, 16)], ids=["basic", "bottleneck"])
def network(request: pytest.FixtureRequest) -> tuple[ResNet, int]:
    build, blocks = request.param
    torch.manual_seed(0)
    model = build(weights=None, norm_layer=FrozenBatchNorm2d)
    for module in model.modules():
        if isinstance(module, FrozenBatchNorm2d):
            module.weight.uniform_(0.2, 0.5)
            module.bias.uniform_(-0.1, 0.1)
    return model, blocks


def gradients(model: nn.Module, images: Tensor) -> tuple[Tensor, list[Tensor]]:
    model.zero_grad()
    output = model(images)
    output.square().mean().backward()
    return output.detach(), [p.grad for p in model.parameters() if p.grad is not None]


def test_fused_blocks_compute_the_same_and_can_be_put_back(network: tuple[ResNet, int]) -> None:
    model, blocks = network
    images = torch.rand(2, 3, 64, 64)
    expected, expected_gradients = gradients(model, images)

    replace_frozen_batch_norm(model)
    assert replace_residual_blocks(model) == blocks
    output, found = gradients(model, images)

    torch.testing.assert_close(output, expected, rtol=1e-4, atol=1e-5)
    for ours, theirs in zip(found, expected_gradients, strict=True):
        assert (ours - theirs).abs().max() <= 1e-3 * theirs.abs().max()
    restore_frozen_batch_norm(model)
    assert not any(hasattr(type(module), "unfused") for module in model.modules())


def test_a_hook_on_a_batch_norm_is_still_called(network: tuple[ResNet, int]) -> None:
    model, _ = network
    replace_frozen_batch_norm(model)
    replace_residual_blocks(model)
    seen: list[Tensor] = []
    model.layer1[0].bn1.register_forward_hook(lambda module, arguments, output: seen.append(output))

    model(torch.rand(1, 3, 64, 64))

    assert len(seen) == 1


def test_a_block_without_fused_batch_norms_is_left_alone() -> None:
    assert replace_residual_blocks(resnet18(weights=None)) == 0


def test_a_checkpoint_of_the_model_names_torchvisions_classes(network: tuple[ResNet, int]) -> None:
    model, _ = network
    replace_frozen_batch_norm(model)
    replace_residual_blocks(model)

    stored = pickle.dumps(copy.deepcopy(model))

    assert b"profilednn" not in stored
    assert not any(hasattr(type(module), "unfused") for module in pickle.loads(stored).modules())
