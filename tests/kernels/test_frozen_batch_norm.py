from __future__ import annotations

import copy
import io

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from profilednn_kernels import frozen_batch_norm, replace_frozen_batch_norm, restore_frozen_batch_norm
from torch import Tensor, nn
from torchvision.models import resnet18
from torchvision.ops import FrozenBatchNorm2d

LAYOUTS = [torch.contiguous_format, torch.channels_last]


def unfused(x: Tensor, scale: Tensor, shift: Tensor, residual: Tensor | None, relu: bool) -> Tensor:
    """In float64, rounded once."""
    per_channel = (-1,) + (1,) * (x.dim() - 2)
    y = x.double() * scale.double().view(per_channel) + shift.double().view(per_channel)
    if residual is not None:
        y = y + residual.double()
    return y.relu() if relu else y


@settings(max_examples=80, deadline=None)
@given(
    shape=st.lists(st.integers(0, 7), min_size=2, max_size=5).map(tuple),
    dtype=st.sampled_from([torch.float64, torch.float32, torch.bfloat16, torch.float16]),
    channels_last=st.booleans(),
    sliced=st.booleans(),
    with_residual=st.booleans(),
    relu=st.booleans(),
)
def test_output_and_gradients_are_those_of_the_unfused_operators(
    shape: tuple[int, ...], dtype: torch.dtype, channels_last: bool, sliced: bool, with_residual: bool, relu: bool
) -> None:
    torch.manual_seed(0)
    x = torch.randn(shape).to(dtype)
    if channels_last and len(shape) == 4:
        x = x.to(memory_format=torch.channels_last)
    if sliced:
        x = torch.cat([x, x], dim=-1)[..., ::2] if shape[-1] else x
        shape = tuple(x.shape)
    x = x.requires_grad_()
    residual = torch.randn(shape).to(dtype).requires_grad_() if with_residual else None
    scale, shift = torch.rand(shape[1]) + 0.5, torch.randn(shape[1])
    leaves = [x] if residual is None else [x, residual]
    upstream = torch.randn(shape).to(dtype)

    y = frozen_batch_norm(x, scale, shift, residual, relu)
    gradients = torch.autograd.grad(y, leaves, upstream)

    expected = unfused(x, scale, shift, residual, relu)
    expected_gradients = torch.autograd.grad(expected, leaves, upstream.double())
    precision = {torch.bfloat16: 2**-8, torch.float16: 2**-10, torch.float32: 1e-6, torch.float64: 1e-12}[dtype]
    assert y.dtype == dtype
    torch.testing.assert_close(y.double(), expected, rtol=precision, atol=precision)
    for actual, wanted in zip(gradients, expected_gradients, strict=True):
        # The fused mask is that of the rounded output; a tie at zero may differ in half precision.
        torch.testing.assert_close(actual, wanted, rtol=precision, atol=precision)


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("relu", [False, True])
def test_gradcheck_opcheck_and_layout(instruction_set: str, layout: torch.memory_format, relu: bool) -> None:
    x = torch.randn(2, 3, 4, 5, dtype=torch.float64).to(memory_format=layout).requires_grad_()
    residual = torch.randn(2, 3, 4, 5, dtype=torch.float64).to(memory_format=layout).requires_grad_()
    scale, shift = torch.rand(3, dtype=torch.float64), torch.randn(3, dtype=torch.float64)
    assert frozen_batch_norm(x, scale, shift, residual, relu).is_contiguous(memory_format=layout)
    assert torch.autograd.gradcheck(lambda x, r: frozen_batch_norm(x, scale, shift, r, relu), (x, residual))
    torch.library.opcheck(torch.ops.profilednn.frozen_batch_norm.default, (x, scale, shift, residual, relu))
    y = x.detach() if relu else None
    torch.library.opcheck(torch.ops.profilednn.frozen_batch_norm_backward.default, (x.detach(), scale, y, True, relu))


@pytest.mark.parametrize("relu", [False, True])
def test_compiles_into_one_graph(relu: bool) -> None:
    scale, shift = torch.rand(3), torch.randn(3)

    def step(x: Tensor) -> Tensor:
        return frozen_batch_norm(x * 2, scale, shift, x, relu).square().sum()

    eager = torch.randn(2, 3, 4, 5, requires_grad=True)
    compiled = eager.detach().clone().requires_grad_()
    step(eager).backward()
    torch.compile(step, fullgraph=True)(compiled).backward()
    torch.testing.assert_close(compiled.grad, eager.grad)


def test_without_relu_nothing_of_the_input_is_kept() -> None:
    x = torch.randn(2, 3, 4, 5, requires_grad=True)
    y = frozen_batch_norm(x, torch.rand(3), torch.rand(3))
    kept = [t for t in y.grad_fn.saved_tensors if t is not None]
    assert [tuple(t.shape) for t in kept] == [(3,)]


def test_nan_passes_through_the_relu_as_in_torch() -> None:
    x = torch.full((1, 1, 1, 2), float("nan"))
    assert frozen_batch_norm(x, torch.ones(1), torch.ones(1), relu=True).isnan().all()


@pytest.mark.parametrize("relu", [False, True])
def test_second_derivatives_are_those_of_torch(relu: bool) -> None:
    """A gradient penalty (WGAN-GP) differentiates the gradient again."""
    x, residual = (torch.randn(2, 3, 4, 4, dtype=torch.float64, requires_grad=True) for _ in range(2))
    scale, shift = torch.rand(3, dtype=torch.float64), torch.rand(3, dtype=torch.float64)

    def penalty(y: Tensor) -> Tensor:
        slopes = torch.autograd.grad((y**3).sum(), [x, residual], create_graph=True)
        return sum((slope.pow(2).sum() for slope in slopes), torch.zeros(()))

    usual = x * scale.view(-1, 1, 1) + shift.view(-1, 1, 1) + residual
    found = torch.autograd.grad(penalty(frozen_batch_norm(x, scale, shift, residual, relu=relu)), [x, residual])
    expected = torch.autograd.grad(penalty(usual.relu() if relu else usual), [x, residual])
    torch.testing.assert_close(found, expected, rtol=1e-10, atol=1e-10)


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"x": torch.zeros(3)}, ValueError, "pass at least two dimensions"),
        ({"scale": torch.zeros(2)}, ValueError, r"pass one value per channel \(3\)"),
        ({"shift": torch.zeros(3, requires_grad=True)}, ValueError, r"pass shift\.detach\(\)"),
        ({"residual": torch.zeros(2, 3)}, ValueError, "they must be the same"),
        ({"residual": torch.zeros(2, 3, 4).bfloat16()}, TypeError, "convert one of them"),
    ],
)
def test_bad_arguments_are_refused_in_one_sentence(
    arguments: dict[str, Tensor], error: type[Exception], message: str
) -> None:
    good = {"x": torch.zeros(2, 3, 4), "scale": torch.zeros(3), "shift": torch.zeros(3)}
    with pytest.raises(error, match=message):
        frozen_batch_norm(**(good | arguments))


def resnet(norm_layer: type[nn.Module]) -> nn.Module:
    model = resnet18(weights=None, norm_layer=norm_layer)
    for module in model.modules():
        if isinstance(module, norm_layer):
            module.running_mean.normal_()
            module.running_var.uniform_(0.5, 2)
            module.weight.requires_grad_(False)
            module.bias.requires_grad_(False)
    return model.eval()


@pytest.mark.parametrize("norm_layer", [FrozenBatchNorm2d, nn.BatchNorm2d])
@pytest.mark.parametrize("layout", LAYOUTS)
def test_swapped_modules_compute_the_same_and_can_be_put_back(
    norm_layer: type[nn.Module], layout: torch.memory_format
) -> None:
    model = resnet(norm_layer)
    x = torch.randn(2, 3, 64, 64).to(memory_format=layout)
    expected, keys, kinds = model(x), list(model.state_dict()), [type(m) for m in model.modules()]

    assert replace_frozen_batch_norm(model) == 20
    assert replace_frozen_batch_norm(model) == 0
    torch.testing.assert_close(model(x), expected, rtol=1e-4, atol=1e-4)
    assert list(model.state_dict()) == keys

    assert restore_frozen_batch_norm(model) == 20
    assert [type(m) for m in model.modules()] == kinds


def test_a_batch_norm_that_trains_again_is_not_frozen() -> None:
    model = resnet(nn.BatchNorm2d)
    replace_frozen_batch_norm(model)
    before = model.bn1.running_mean.clone()
    model.train()
    model(torch.randn(2, 3, 64, 64))
    assert not torch.equal(model.bn1.running_mean, before)


def test_batch_norms_that_train_are_left_alone() -> None:
    assert replace_frozen_batch_norm(resnet18(weights=None)) == 0
    assert replace_frozen_batch_norm(resnet18(weights=None).eval()) == 0


def test_a_checkpoint_of_the_whole_module_names_the_original_class() -> None:
    model = nn.Sequential(FrozenBatchNorm2d(3))
    replace_frozen_batch_norm(model)
    file = io.BytesIO()
    torch.save(model, file)
    file.seek(0)
    assert type(torch.load(file, weights_only=False)[0]) is FrozenBatchNorm2d
    assert type(copy.deepcopy(model)[0]) is FrozenBatchNorm2d
