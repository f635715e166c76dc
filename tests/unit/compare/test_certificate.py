"""Which deviations are rounding errors, and what is said about the others."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from profilednn_tui.compare.certificate import Certificate, Sameness, certificate
from profilednn_tui.compare.losses import Precision
from profilednn_tui.compare.runs import Run
from profilednn_tui.protocol.vocabulary import CERTIFICATE_NOTICE
from profilednn_tui.session.view import FirstInputs, Notice, Optimization, OptimizerLearning, Update
from tests.unit.compare import sides

Array = npt.NDArray[np.float64]
Change = Callable[[Array, Array], None]
"""Changes the gradient norms and movements of a candidate in place; both of shape (steps, parameters)."""

STEPS = 12
NAMES = ("conv.weight", "conv.bias", "fc.weight", "fc.bias")
GRADIENTS = np.array([3.0, 1e-8, 1.0, 0.1])
"""The gradient of the convolution's bias is nothing but rounding errors, as before a batch norm."""
BF16 = (Optimization("bf16", "on", ""),)


def training(change: Change | None = None, checksum: int = 1, dtype: str = "float32", **fields: Any) -> Run:
    """A run whose parameters move as with Adam: each by as much, whatever its gradient."""
    gradients = np.tile(GRADIENTS, (STEPS, 1)) * np.linspace(1, 0.8, STEPS)[:, None]
    movements = np.array([30.0, 2.0, 20.0, 1.0]) * 1e-3 * np.arange(1, STEPS + 1)[:, None]
    if change is not None:
        change(gradients, movements)
    updates = tuple(
        Update(number, numbers(gradients[number - 1]), numbers(movements[number - 1]), (checksum,) * len(NAMES))
        for number in range(1, STEPS + 1)
    )
    groups = fields.pop("groups", (0,) * len(NAMES))
    learning = OptimizerLearning("Adam", NAMES, groups, (dtype,) * len(NAMES), 0, updates)
    losses = fields.pop("losses", [2.0 / number for number in range(1, STEPS + 1)])
    return sides.run("run", [1e6] * STEPS, losses, **{"learning": (learning,), **fields})


def numbers(row: Array) -> tuple[float | None, ...]:
    return tuple(None if value == 0 else float(value) for value in row)


STOCK = training()


def certified(change: Change | None = None, **fields: Any) -> Certificate:
    return certificate(STOCK, training(change, 2, **fields))


def noise(size: float, growth: float = 1.0) -> Change:
    """Deviations of gradients and movements that grow by a factor per step."""

    def change(gradients: Array, movements: Array) -> None:
        signs = np.random.default_rng(1).choice([-1.0, 1.0], gradients.shape)
        sizes = size * growth ** np.arange(STEPS)[:, None]
        gradients *= 1 + signs * sizes
        movements *= 1 + signs * sizes / 3
        movements[:, 1] *= np.linspace(0.5, 1.5, STEPS)  # at random

    return change


def test_equal_bits_and_losses_are_identical() -> None:
    found = certificate(STOCK, training())
    assert (found.sameness, found.steps, found.largest) == (Sameness.IDENTICAL, STEPS, None)
    assert found.text == "same training for 12 steps, bit-identical"


def test_equal_norms_are_not_enough_for_that() -> None:
    assert certified().sameness is Sameness.ROUNDING


def test_rounding_errors_are_those_of_the_finest_precision_that_explains_them() -> None:
    found = certified(noise(1e-7))
    assert (found.sameness, found.precision, found.steps) == (Sameness.ROUNDING, Precision.FLOAT32, STEPS)
    assert found.largest is not None
    assert found.largest.quantity == "gradient norm"
    assert found.largest.relative == pytest.approx(1e-7, rel=0.1)
    assert certified(noise(1e-2), optimizations=BF16).precision is Precision.BFLOAT16
    assert certified(noise(1e-7), optimizations=BF16).precision is Precision.FLOAT32

    def tiny(gradients: Array, movements: Array) -> None:
        gradients *= 1 + 1e-13

    double = certificate(training(dtype="float64"), training(tiny, 2, dtype="float64"))
    assert double.precision is Precision.FLOAT64


def test_a_deviation_of_bfloat16_is_none_of_float32() -> None:
    window = sides.operators(sides.operator("aten::mm", "[[2, 2]]", 1.0))
    found = certified(noise(1e-2), operators=window)
    assert found.sameness is Sameness.DIFFERENT
    assert found.steps == 0
    unknown = certified(noise(1e-2))
    assert unknown.sameness is Sameness.UNKNOWN
    assert "no operators were recorded" in unknown.text


def test_the_comparison_ends_where_rounding_errors_would_hide_anything() -> None:
    found = certified(noise(1e-6, growth=10.0))
    assert found.sameness is Sameness.ROUNDING
    assert 4 <= found.steps < STEPS
    assert found.text == f"same training for {found.steps} of 12 steps, within rounding of float32"


def first_flips(size: float) -> Change:
    """The same until step 2, in which gradients deviate for the first time; then as much as such deviations grow."""

    def change(gradients: Array, movements: Array) -> None:
        signs = np.random.default_rng(1).choice([-1.0, 1.0], gradients.shape)
        gradients[1:] *= 1 + size * signs[1:]
        movements[1:] *= 1 + size * signs[1:] / 3

    return change


def test_units_that_flip_in_the_first_step_that_differs_are_rounding() -> None:
    """Found with a U-Net: `tune` gave up 15 %, as "the gradient norm is <0.01 % off from step 2"."""
    assert certificate(STOCK, training(first_flips(4e-5), 2)).sameness is Sameness.ROUNDING
    assert certificate(STOCK, training(first_flips(4e-3), 2)).sameness is not Sameness.ROUNDING


def faster(gradients: Array, movements: Array) -> None:
    movements *= 1.01


def later(gradients: Array, movements: Array) -> None:
    noise(1e-7)(gradients, movements)
    movements[6:] *= 1.005


def scaled(gradients: Array, movements: Array) -> None:
    gradients *= 0.5


def stuck(gradients: Array, movements: Array) -> None:
    movements[:, 3] = 0


def ungraded(gradients: Array, movements: Array) -> None:
    gradients[5:, 3] = 0


def otherwise(gradients: Array, movements: Array) -> None:
    noise(1e-7)(gradients, movements)
    movements[:, 3] *= 3


@pytest.mark.parametrize(
    ("change", "text"),
    [
        (faster, "the movement of every parameter is 1.0 % larger from step 1: another learning rate would do that"),
        (later, "the movement of every parameter is 0.50 % larger from step 7: "
         "another learning rate or momentum would do that"),
        (scaled, "the gradient norm of every parameter is 50 % smaller from step 1: "
         "another scale of the loss would do that"),
        (stuck, "fc.bias is not updated"),
        (ungraded, "fc.bias is without gradient from step 6"),
        (otherwise, "the movement is 5.5 % off from step 1, although the gradients agree; most in fc.bias"),
    ],
)  # fmt: skip
def test_what_differs_is_named(change: Change, text: str) -> None:
    found = certified(change)
    assert found.text == f"trains differently: {text}"


def test_a_learning_rate_is_told_in_bfloat16_too_if_both_sides_use_it() -> None:
    stock = training(optimizations=BF16)
    found = certificate(stock, training(faster, 2, optimizations=BF16))
    assert "another learning rate" in found.text


def test_the_learning_rate_of_one_group_is_told_from_that_of_all() -> None:
    def change(gradients: Array, movements: Array) -> None:
        movements[:, 2:] *= 1.01

    stock = training(groups=(0, 0, 1, 1))
    found = certificate(stock, training(change, 2, groups=(0, 0, 1, 1)))
    assert found.reasons == (
        "the movement of group 1 is 1.0 % larger from step 1: another learning rate would do that",
    )
    assert [(one.group, one.parameters) for one in found.groups] == [(0, 2), (1, 2)]


def without(run: Run, place: int) -> Run:
    def kept(values: Sequence[Any]) -> tuple[Any, ...]:
        return (*values[:place], *values[place + 1 :])

    (whole,) = run.view.learning
    updates = tuple(
        Update(one.number, kept(one.gradient_norms), kept(one.movements), kept(one.checksums)) for one in whole.updates
    )
    part = replace(
        whole, names=kept(whole.names), groups=kept(whole.groups), dtypes=kept(whole.dtypes), updates=updates
    )
    return replace(run, view=replace(run.view, learning=(part,)))


def test_a_parameter_that_no_optimizer_has_is_named() -> None:
    assert certificate(STOCK, without(STOCK, 3)).reasons == ("fc.bias is not updated: no optimizer has it",)
    assert certificate(without(STOCK, 3), STOCK).reasons == ("fc.bias is updated, but not by the baseline",)


def test_another_number_of_optimizers_trains_differently() -> None:
    twice = replace(STOCK, view=replace(STOCK.view, learning=STOCK.view.learning * 2))
    assert certificate(STOCK, twice).text == "trains differently: 2 instead of 1 optimizers"


def test_other_random_numbers_are_not_compared() -> None:
    assert certified(faster, first_inputs=FirstInputs(9, 9, 1)).text == "other random numbers: not compared"
    assert certified(first_inputs=None).text == "cannot be told: the random numbers of the runs were not recorded"
    assert certificate(STOCK, training(first_inputs=None)).sameness is Sameness.IDENTICAL, "the bits say enough"


def test_a_baseline_that_does_not_repeat_itself_tells_nothing() -> None:
    other = training(losses=[2.0 / number + 0.1 * (number > 3) for number in range(1, STEPS + 1)])
    found = certificate(STOCK, training(faster, 2), repeats=[other])
    assert found.text == (
        "cannot be told: with the same seed, runs of the baseline are 20 % apart in the loss of step 4"
    )


def test_a_run_that_recorded_nothing_says_why() -> None:
    silent = training(learning=(), notices=(Notice("warning", CERTIFICATE_NOTICE, "too large: not recorded"),))
    assert certificate(STOCK, silent).text == "cannot be told: run: too large: not recorded"
    assert "no torch optimizer has made an update" in certificate(training(learning=()), STOCK).text


def test_a_loss_that_is_no_number_is_told_even_late() -> None:
    losses: list[float | None] = [2.0 / number for number in range(1, STEPS)]
    found = certified(noise(1e-6, growth=10.0), losses=[*losses, float("nan")])
    assert found.text == "trains differently: the loss is not finite from step 12"


def test_norms_beyond_all_numbers_are_compared_without_failing() -> None:
    def change(gradients: Array, movements: Array) -> None:
        gradients[4:] = np.inf
        movements[4:] = np.nan

    assert "infinitely far off from step 5" in certified(change).text
    broken = training(change)
    assert certificate(broken, training(change, 2)).sameness is Sameness.ROUNDING
