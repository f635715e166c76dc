"""Winograd convolutions against torch's own."""

from __future__ import annotations

import copy
import pickle
from collections import Counter

import pytest
import torch
import torch.nn.functional as F  # noqa: N812
from hypothesis import given, settings
from hypothesis import strategies as st
from profilednn_kernels import (
    replace_3x3_convolutions,
    replace_frozen_batch_norm,
    restore_3x3_convolutions,
    restore_frozen_batch_norm,
    winograd_calls,
    winograd_convolution,
    winograd_weight,
    winograd_weights_kept,
)
from torch import Tensor, nn
from torchvision.models import resnet18
from torchvision.ops import FrozenBatchNorm2d


def operands(
    sizes: tuple[int, int, int, int], outputs: int, dtype: torch.dtype, last: bool = True
) -> tuple[Tensor, Tensor, Tensor]:
    """Picture, weight and bias, all with gradients."""
    layout = torch.channels_last if last else torch.contiguous_format
    picture = torch.randn(sizes).to(dtype).contiguous(memory_format=layout)
    weight = (torch.randn(outputs, sizes[1], 3, 3) / (3 * sizes[1] ** 0.5)).to(dtype).contiguous(memory_format=layout)
    return picture.requires_grad_(), weight.requires_grad_(), torch.randn(outputs).to(dtype).requires_grad_()


def winograd(picture: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
    return winograd_convolution(picture, winograd_weight(weight, picture.dtype), bias)


@settings(max_examples=60, deadline=None)
@given(
    images=st.integers(1, 3),
    channels=st.integers(1, 20),
    outputs=st.integers(1, 20),
    height=st.integers(1, 9),
    width=st.integers(1, 9),
    last=st.booleans(),
    with_bias=st.booleans(),
)
def test_results_and_gradients_are_those_of_the_convolution(
    images: int, channels: int, outputs: int, height: int, width: int, last: bool, with_bias: bool
) -> None:
    torch.manual_seed(0)
    picture, weight, bias = operands((images, channels, height, width), outputs, torch.float64, last)
    leaves = [picture, weight, bias] if with_bias else [picture, weight]
    expected = F.conv2d(picture, weight, bias if with_bias else None, padding=1)
    upstream = torch.randn_like(expected)

    found = winograd(picture, weight, bias if with_bias else None)

    torch.testing.assert_close(found, expected, rtol=1e-12, atol=1e-12)
    assert found.is_contiguous(memory_format=torch.channels_last)
    gradients = torch.autograd.grad(found, leaves, upstream)
    for ours, theirs in zip(gradients, torch.autograd.grad(expected, leaves, upstream), strict=True):
        torch.testing.assert_close(ours, theirs, rtol=1e-11, atol=1e-11)


def test_a_level_of_a_head_is_read_where_it_lies() -> None:
    """RetinaNet puts the results of all its levels into one tensor; the gradient of one is a part of that."""
    picture, weight, _ = operands((2, 4, 6, 5), 3, torch.float64)
    gradient = torch.randn(2, 100, 3, dtype=torch.float64)[:, 20:50].unflatten(1, (6, 5)).permute(0, 3, 1, 2)
    found = torch.autograd.grad(winograd(picture, weight, None), [picture, weight], gradient)
    expected = torch.autograd.grad(F.conv2d(picture, weight, padding=1), [picture, weight], gradient)
    torch.testing.assert_close(found, expected, rtol=1e-11, atol=1e-11)


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32, torch.bfloat16])
def test_every_instruction_set_computes_more_channels_than_fit_a_block(
    instruction_set: str, dtype: torch.dtype
) -> None:
    picture, weight, bias = operands((2, 300, 7, 5), 270, dtype)
    found = winograd(picture, weight, bias)
    found.sum().backward()
    expected = F.conv2d(picture.double(), weight.double(), bias.double(), padding=1)
    precision = {torch.float64: 1e-12, torch.float32: 1e-5, torch.bfloat16: 0.05}[dtype]
    torch.testing.assert_close(found.double(), expected, rtol=precision, atol=precision)
    assert picture.grad is not None
    wanted = torch.autograd.grad(expected.sum(), picture)[0]
    torch.testing.assert_close(picture.grad.double(), wanted.double(), rtol=precision, atol=precision)


def test_rounding_in_bfloat16_is_of_the_size_of_the_usual_way() -> None:
    """Errors against float64, of the result and of all gradients, with gradients as small as training has them."""
    picture, weight, bias = operands((2, 128, 16, 16), 128, torch.bfloat16)
    exact = [tensor.detach().double().requires_grad_() for tensor in (picture, weight, bias)]
    upstream = 1e-6 * torch.randn(2, 128, 16, 16)

    def everything(result: Tensor, leaves: list[Tensor]) -> list[Tensor]:
        return [result, *torch.autograd.grad(result, leaves, upstream.to(result.dtype))]

    leaves = [picture, weight, bias]
    truth = everything(F.conv2d(*exact, padding=1), exact)
    usual = everything(F.conv2d(*leaves, padding=1), leaves)
    ours = everything(winograd(*leaves), leaves)
    for exactly, one, other in zip(truth, usual, ours, strict=True):
        usual_error, error = ((x.detach().double() - exactly.detach()).norm() / exactly.norm() for x in (one, other))
        assert error < max(3 * usual_error, torch.tensor(2**-8))


def test_gradcheck_and_opcheck(instruction_set: str) -> None:
    picture, weight, bias = operands((2, 3, 4, 5), 2, torch.float64)
    assert torch.autograd.gradcheck(winograd, (picture, weight, bias))
    transformed = winograd_weight(weight.detach(), torch.float64).requires_grad_()
    torch.library.opcheck(torch.ops.profilednn.winograd_weight.default, (weight, torch.float64))
    torch.library.opcheck(torch.ops.profilednn.winograd_convolution.default, (picture, transformed, bias))
    torch.library.opcheck(torch.ops.profilednn.winograd_convolution.default, (picture, transformed, None))


@pytest.mark.parametrize("frozen", ["picture", "weight"])
def test_what_needs_no_gradient_gets_none(frozen: str) -> None:
    picture, weight, bias = operands((1, 4, 6, 6), 3, torch.float64)
    (picture if frozen == "picture" else weight).requires_grad_(False)
    winograd(picture, weight, bias).sum().backward()
    assert (picture.grad is None, weight.grad is None) == (frozen == "picture", frozen == "weight")


def test_what_follows_may_work_in_place() -> None:
    """A result made by `as_strided` was a view, and torch refused RetinaNet's `ReLU(inplace=True)` after it."""
    picture, weight, bias = operands((1, 4, 6, 6), 3, torch.float64)
    found = torch.autograd.grad(winograd(picture, weight, bias).relu_().sum(), weight)
    expected = torch.autograd.grad(F.conv2d(picture, weight, bias, padding=1).relu().sum(), weight)
    torch.testing.assert_close(found, expected)


def test_a_float32_weight_is_rounded_to_bfloat16_once_and_its_gradient_is_float32() -> None:
    weight = torch.randn(2, 3, 3, 3, requires_grad=True)
    transformed = winograd_weight(weight, torch.bfloat16)
    assert torch.equal(transformed, winograd_weight(weight, torch.float32).bfloat16())
    transformed.sum().backward()
    assert weight.grad is not None
    assert weight.grad.dtype == torch.float32


def test_second_derivatives_are_those_of_torch() -> None:
    """A gradient penalty (WGAN-GP) differentiates the gradient again."""
    picture, weight, bias = operands((2, 3, 6, 5), 4, torch.float64)

    def penalty(convolution: Tensor) -> Tensor:
        (slope,) = torch.autograd.grad((convolution**3).sum(), picture, create_graph=True)
        return slope.pow(2).sum() + slope.norm()

    leaves = [picture, weight, bias]
    found = torch.autograd.grad(penalty(winograd(picture, weight, bias)), leaves)
    expected = torch.autograd.grad(penalty(F.conv2d(picture, weight, bias, padding=1)), leaves)
    torch.testing.assert_close(found, expected, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"x": torch.zeros(2, 4, 4)}, ValueError, "pass \\(N, C, H, W\\)"),
        ({"x": torch.zeros(1, 3, 4, 4)}, ValueError, "pass \\(N, C, H, W\\)"),
        ({"x": torch.zeros(0, 2, 4, 4)}, ValueError, "not empty"),
        ({"x": torch.zeros(1, 2, 4, 4).half()}, TypeError, "convert x"),
        ({"bias": torch.zeros(2)}, ValueError, "one value per output channel"),
    ],
)
def test_bad_arguments_are_refused_in_one_sentence(
    arguments: dict[str, Tensor], error: type[Exception], message: str
) -> None:
    good = {"x": torch.zeros(1, 2, 4, 4), "transformed": torch.zeros(48, 2, 1, 1), "bias": torch.zeros(3)}
    with pytest.raises(error, match=message):
        winograd_convolution(**(good | arguments))


def test_bad_weights_are_refused_in_one_sentence() -> None:
    with pytest.raises(ValueError, match="pass one with shape \\(K, C, 3, 3\\)"):
        winograd_weight(torch.zeros(2, 2, 1, 1), torch.float32)
    with pytest.raises(TypeError, match="convert it"):
        winograd_weight(torch.zeros(2, 2, 3, 3, dtype=torch.float64), torch.bfloat16)


# ---- modules


@pytest.fixture
def network() -> tuple[nn.Module, Tensor]:
    """Three of its layers have maps that are large enough, in a batch of sixteen."""
    torch.manual_seed(0)
    model = resnet18(weights=None, norm_layer=FrozenBatchNorm2d).to(memory_format=torch.channels_last)
    for module in model.modules():
        if isinstance(module, FrozenBatchNorm2d):
            module.weight.uniform_(0.2, 0.5)
    return model, torch.rand(16, 3, 64, 64)


def in_bfloat16(model: nn.Module, images: Tensor) -> Tensor:
    with torch.autocast("cpu", dtype=torch.bfloat16):
        return model(images).float()


def operators(model: nn.Module, images: Tensor) -> Counter[str]:
    with torch.profiler.profile() as profile:
        in_bfloat16(model, images).sum().backward()
    return Counter({event.key: event.count for event in profile.key_averages()})


def test_replaced_modules_compute_the_same_in_bfloat16_and_can_be_put_back(network: tuple[nn.Module, Tensor]) -> None:
    model, images = network
    expected, kinds, before = in_bfloat16(model, images), [type(m) for m in model.modules()], winograd_calls()["taken"]

    assert replace_3x3_convolutions(model) == 9
    assert replace_3x3_convolutions(model) == 0
    found = in_bfloat16(model, images)

    assert winograd_calls()["taken"] - before == 3
    assert (found - expected).abs().max() < 0.03 * expected.abs().max()
    assert operators(model, images)["profilednn::winograd_convolution_backward"] == 3
    assert restore_3x3_convolutions(model) == 9
    assert [type(m) for m in model.modules()] == kinds
    assert torch.equal(in_bfloat16(model, images), expected)


def test_in_float32_replaced_modules_go_the_usual_way(network: tuple[nn.Module, Tensor]) -> None:
    model, images = network
    expected = model(images)
    replace_3x3_convolutions(model)
    assert torch.equal(model(images), expected)


def test_a_replaced_module_is_stored_as_the_original(network: tuple[nn.Module, Tensor]) -> None:
    model, _ = network
    replace_3x3_convolutions(model)
    assert {type(m) for m in pickle.loads(pickle.dumps(model)).modules() if isinstance(m, nn.Conv2d)} == {nn.Conv2d}
    assert type(copy.deepcopy(model).layer2[1].conv1) is nn.Conv2d


def test_it_and_frozen_batch_norm_are_put_back_apart(network: tuple[nn.Module, Tensor]) -> None:
    model, _ = network
    replace_frozen_batch_norm(model)
    replace_3x3_convolutions(model)
    assert restore_frozen_batch_norm(model) == 20
    assert restore_3x3_convolutions(model) == 9


def test_a_weight_that_several_calls_share_is_transformed_once_and_its_gradient_added_up() -> None:
    layer = nn.Sequential(nn.Conv2d(128, 128, 3, padding=1))
    maps = [torch.randn(1, 128, size, size).bfloat16() for size in (32, 34, 36)]

    def gradient() -> Tensor:
        layer.zero_grad()
        with torch.autocast("cpu", dtype=torch.bfloat16), winograd_weights_kept():
            sum(layer(one).float().square().mean() for one in maps).backward()
        return layer[0].weight.grad.clone()

    expected = gradient()
    replace_3x3_convolutions(layer)
    with torch.profiler.profile() as profile:
        found = gradient()

    counts = {event.key: event.count for event in profile.key_averages()}
    assert (counts["profilednn::winograd_weight"], counts["profilednn::winograd_convolution"]) == (1, 3)
    assert (found - expected).norm() < 0.01 * expected.norm()


def test_a_weight_changed_behind_autograd_is_transformed_anew() -> None:
    """Updates by `.data` raise no version of a tensor: nothing may be kept from one call of the model to the next."""
    layer, picture = nn.Sequential(nn.Conv2d(128, 128, 3, padding=1)), torch.randn(1, 128, 32, 32).bfloat16()
    replace_3x3_convolutions(layer)
    results = []
    for _ in range(2):
        with winograd_weights_kept(), torch.autocast("cpu", dtype=torch.bfloat16):
            results.append(layer(picture))
        layer[0].weight.data.mul_(2)
        layer[0].bias.data.mul_(2)
    torch.testing.assert_close(results[1], 2 * results[0])


def test_compiles_into_one_graph() -> None:
    layer = nn.Sequential(nn.Conv2d(128, 128, 3, padding=1))
    replace_3x3_convolutions(layer)
    picture = torch.randn(1, 128, 32, 32).bfloat16()

    def step(picture: Tensor) -> Tensor:
        with torch.autocast("cpu", dtype=torch.bfloat16):
            return layer(picture).float().square().sum()

    step(picture).backward()
    expected = layer[0].weight.grad.clone()
    layer.zero_grad()
    torch.compile(step, fullgraph=True)(picture).backward()
    torch.testing.assert_close(layer[0].weight.grad, expected, rtol=0.02, atol=0.02 * float(expected.abs().max()))
