"""Whether training still computes the same thing."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest

from profilednn_tui.compare.losses import Agreement, Precision, loss_agreement
from profilednn_tui.export.comparison.words import losses_text
from profilednn_tui.session.view import Steps
from tests.unit.compare.sides import MS, steps

COUNT = 100
CURVE = 2.3 * np.exp(-np.arange(COUNT) / 60) + 0.1 * np.sin(np.arange(COUNT) * 1.7)


def run(losses: npt.NDArray[np.float64] | list[float | None]) -> Steps:
    return steps([20 * MS] * len(losses), list(losses))


def rounded(seed: int, size: float) -> npt.NDArray[np.float64]:
    result: npt.NDArray[np.float64] = CURVE * (1 + np.random.default_rng(seed).normal(0, size, COUNT))
    return result


def test_equal_to_the_last_bit_is_the_same() -> None:
    found = loss_agreement([run(CURVE)] * 3, [run(CURVE)] * 3)
    assert (found.agreement, found.largest, found.spread, found.steps) == (Agreement.SAME, 0, 0, COUNT)


def test_within_the_spread_of_the_baseline_is_the_same() -> None:
    baseline = [run(rounded(seed, 1e-6)) for seed in range(3)]
    assert loss_agreement(baseline, [run(rounded(9, 1e-7))] * 3).agreement is Agreement.SAME


def test_other_sums_in_float32_are_numerical_noise() -> None:
    found = loss_agreement([run(CURVE)] * 3, [run(rounded(seed, 2e-5)) for seed in range(3)])
    assert found.agreement is Agreement.NOISE
    assert not found.changes_training


def test_reduced_precision_explains_more_than_full_precision() -> None:
    noisy = [run(rounded(seed, 0.006)) for seed in range(3)]
    assert loss_agreement([run(CURVE)] * 3, noisy, Precision.BFLOAT16).agreement is Agreement.NOISE
    assert loss_agreement([run(CURVE)] * 3, noisy, Precision.FLOAT32).agreement is Agreement.DRIFTING


def test_rounding_that_grows_with_the_updates_is_noise() -> None:
    grown = CURVE * (1 + np.minimum(1e-6 * 1.3 ** np.arange(COUNT), 0.01) * np.sin(np.arange(COUNT)))
    assert loss_agreement([run(CURVE)], [run(grown)]).agreement is Agreement.NOISE


def test_a_drift_is_told_with_its_first_step() -> None:
    wrong = CURVE.copy()
    wrong[40:] *= 1 + np.linspace(0, 0.6, 60)
    found = loss_agreement([run(rounded(seed, 1e-4)) for seed in range(3)], [run(wrong)] * 3)
    assert found.agreement is Agreement.DRIFTING
    assert found.from_step is not None
    assert 40 <= found.from_step <= 55
    assert found.changes_training


def test_a_constant_error_drifts_from_the_start() -> None:
    found = loss_agreement([run(CURVE)] * 2, [run(CURVE * 1.1)] * 2)
    assert (found.agreement, found.from_step) == (Agreement.DRIFTING, 1)


def test_an_error_in_the_first_steps_is_seen_though_it_is_small() -> None:
    """Found: losses 17 % apart were "within numerical noise". Even 0.5 % is not numerical noise in float32."""
    wrong = CURVE.copy()
    wrong[:10] *= 1.005
    assert loss_agreement([run(CURVE)], [run(wrong)]).agreement is Agreement.DRIFTING


def test_a_learning_rate_that_is_one_percent_off_is_no_noise() -> None:
    # Found by running one: its losses, up to 1 % apart, were "within numerical noise" of float32.
    first = [0, 6e-5, 1e-4, 2e-4, 4e-4, 5e-4, 8e-4, 1e-3, 1e-3, 2e-3, 2e-3, 2e-3, 2e-3, 3e-3, 3e-3, 4e-3]
    wrong = CURVE * (1 + np.array([*first, *[6e-3] * (COUNT - len(first))]))
    found = loss_agreement([run(CURVE)], [run(wrong)])
    assert (found.agreement, found.from_step) == (Agreement.DRIFTING, 2)


def test_a_single_odd_step_is_no_drift() -> None:
    odd = CURVE.copy()
    odd[30] *= 1.15
    assert loss_agreement([run(CURVE)] * 2, [run(odd)] * 2).agreement is Agreement.NOISE


def test_a_baseline_that_scatters_lets_the_candidate_scatter() -> None:
    """Without deterministic kernels, runs of the baseline are 10 % apart, so the candidate may be as well."""
    baseline = [run(CURVE * factor) for factor in (0.95, 1.0, 1.06)]
    assert not loss_agreement(baseline, [run(CURVE * 1.04)]).changes_training


@pytest.mark.parametrize(("same", "agreement"), [(False, Agreement.OTHER_NUMBERS), (None, Agreement.NOT_RECORDED)])
def test_runs_with_other_random_numbers_are_not_compared(same: bool | None, agreement: Agreement) -> None:
    generator = np.random.default_rng(1)
    first, second = (CURVE + generator.normal(0, 0.4, COUNT) for _ in range(2))
    found = loss_agreement([run(first)], [run(second)], same=same)
    assert (found.agreement, found.largest) == (agreement, None)
    assert "not compared" in found.text
    assert loss_agreement([run(first)], [run(first)], same=same).agreement is agreement


def test_a_loss_that_stops_being_finite_is_told_whatever_the_random_numbers() -> None:
    wrong = CURVE.copy()
    wrong[17:] = np.nan
    assert loss_agreement([run(CURVE)], [run(wrong)], same=False).agreement is Agreement.BROKEN


def test_not_finite_is_broken() -> None:
    wrong = CURVE.copy()
    wrong[17:] = np.nan
    found = loss_agreement([run(CURVE)] * 2, [run(CURVE), run(wrong)])
    assert (found.agreement, found.from_step) == (Agreement.BROKEN, 18)
    assert "18" in found.text


def test_what_was_broken_before_is_not_the_candidates_fault() -> None:
    wrong = CURVE.copy()
    wrong[50:] = np.inf
    found = loss_agreement([run(wrong)] * 2, [run(wrong)] * 2)
    assert found.agreement is Agreement.SAME
    assert losses_text(found) == "same, to the last digit; neither side has a finite loss from step 51 on"


def test_losses_that_are_never_finite_are_no_agreement() -> None:
    """Found in a review: two trainings that were nan from their first steps on learned "the same"."""
    wrong = CURVE.copy()
    wrong[2:] = np.nan
    found = loss_agreement([run(wrong)], [run(wrong)])
    assert (found.agreement, found.text) == (
        Agreement.UNKNOWN, "unknown: neither side has a finite loss from step 3 on",
    )  # fmt: skip


def test_without_losses_nothing_is_known() -> None:
    assert loss_agreement([run([None] * 20)], [run([1.0] * 20)]).agreement is Agreement.UNKNOWN
