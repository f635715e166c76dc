from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from profilednn_kernels import sigmoid_focal_loss, sigmoid_focal_loss_from_labels
from torch import Tensor

BACKGROUND, IGNORED = -1, -2


def one_hot(labels: Tensor, classes: int, dtype: torch.dtype) -> Tensor:
    rows = torch.zeros(*labels.shape, classes, dtype=dtype)
    foreground = labels >= 0
    rows[foreground, labels[foreground]] = 1
    return rows


@settings(max_examples=60, deadline=None)
@given(
    anchors=st.integers(0, 60),
    classes=st.sampled_from([1, 3, 91, 700, 3000]),
    foreground=st.sampled_from([0.0, 0.02, 1.0]),
    dtype=st.sampled_from([torch.float64, torch.float32, torch.bfloat16, torch.float16]),
    reduction=st.sampled_from(["none", "mean", "sum"]),
    weighted=st.booleans(),
    contiguous=st.booleans(),
)
def test_equals_the_dense_form_on_one_hot_targets(
    anchors: int,
    classes: int,
    foreground: float,
    dtype: torch.dtype,
    reduction: str,
    weighted: bool,
    contiguous: bool,
) -> None:
    torch.manual_seed(0)
    logits = (torch.randn(anchors, classes) * 3).to(dtype)
    logits = (logits if contiguous else logits.t().contiguous().t()).requires_grad_()
    labels = torch.where(torch.rand(anchors) < foreground, torch.randint(classes, (anchors,)), BACKGROUND)
    labels[torch.rand(anchors) < 0.1] = IGNORED
    weights = torch.rand(anchors) if weighted else None

    loss = sigmoid_focal_loss_from_labels(logits, labels, 0.25, 1.5, reduction, weights=weights)
    upstream = torch.rand(loss.shape)
    (gradient,) = torch.autograd.grad((loss * upstream).sum(), logits)

    counted = labels != IGNORED
    exact = logits.detach().double().requires_grad_()
    dense = sigmoid_focal_loss(exact, one_hot(labels, classes, torch.float64), 0.25, 1.5)
    dense = torch.where(counted[:, None], dense * (1 if weights is None else weights[:, None]), 0.0)
    elements = counted.sum() * classes
    expected = {"none": dense, "sum": dense.sum(), "mean": dense.sum() / elements}[reduction]
    torch.testing.assert_close(loss.double(), expected, rtol=2e-6, atol=1e-30, equal_nan=True)
    if reduction != "mean" or elements:
        (expected_gradient,) = torch.autograd.grad((expected * upstream).sum(), exact)
        precision = {torch.bfloat16: 2**-7, torch.float16: 2**-9}.get(dtype, 4e-6)
        torch.testing.assert_close(gradient.double(), expected_gradient, rtol=precision, atol=1e-7)


def test_background_and_ignore_indices_are_the_callers_choice() -> None:
    logits = torch.randn(4, 3)
    expected = sigmoid_focal_loss_from_labels(logits, torch.tensor([2, BACKGROUND, IGNORED, 0]), reduction="sum")
    actual = sigmoid_focal_loss_from_labels(
        logits, torch.tensor([2, 3, 255, 0]), reduction="sum", background_index=3, ignore_index=255
    )
    assert torch.equal(actual, expected)


def test_labels_may_have_any_leading_shape_and_integer_type() -> None:
    logits, labels = torch.randn(2, 5, 7), torch.randint(-2, 7, (2, 5))
    flat = sigmoid_focal_loss_from_labels(logits.flatten(0, 1), labels.flatten())
    for dtype in (torch.int32, torch.int8):
        assert torch.equal(sigmoid_focal_loss_from_labels(logits, labels.to(dtype)), flat.view(2, 5, 7))


@pytest.mark.parametrize("reduction", ["none", "mean", "sum"])
def test_gradcheck_and_opcheck(reduction: str) -> None:
    logits = torch.randn(6, 4, dtype=torch.float64, requires_grad=True)
    labels = torch.tensor([0, 3, BACKGROUND, IGNORED, 1, BACKGROUND])
    weights = torch.rand(6)
    assert torch.autograd.gradcheck(
        lambda x: sigmoid_focal_loss_from_labels(x, labels, reduction=reduction, weights=weights), (logits,)
    )
    indices = (BACKGROUND, IGNORED)
    torch.library.opcheck(
        torch.ops.profilednn.sigmoid_focal_loss_from_labels.default,
        (logits, labels, weights, 0.25, 2.0, reduction, *indices, reduction != "none"),
    )
    torch.library.opcheck(
        torch.ops.profilednn.sigmoid_focal_loss_from_labels_backward.default,
        (torch.rand(6, 4), logits.detach(), labels, None, 0.25, 2.0, *indices),
    )


def test_compiles_into_one_graph() -> None:
    labels = torch.randint(-2, 9, (40,))

    def step(logits: Tensor) -> Tensor:
        return sigmoid_focal_loss_from_labels(logits * 2, labels, reduction="sum") / 7

    eager = torch.randn(40, 9, requires_grad=True)
    compiled = eager.detach().clone().requires_grad_()
    step(eager).backward()
    torch.compile(step, fullgraph=True)(compiled).backward()
    torch.testing.assert_close(compiled.grad, eager.grad)


def test_a_label_that_is_no_class_is_named() -> None:
    with pytest.raises(IndexError, match="label 7 of anchor 2 is neither one of 5 classes nor background"):
        sigmoid_focal_loss_from_labels(torch.zeros(4, 5), torch.tensor([0, -2, 7, 9]))


@pytest.mark.parametrize(
    ("labels", "error", "message"),
    [
        (torch.zeros(3, dtype=torch.int64), ValueError, "pass one label for each row"),
        (torch.zeros(4), TypeError, "class indices are integers: pass int64"),
    ],
)
def test_bad_labels_are_refused_in_one_sentence(labels: Tensor, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        sigmoid_focal_loss_from_labels(torch.zeros(4, 5), labels)
