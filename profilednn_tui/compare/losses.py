"""Whether a candidate still computes the same training: its losses against the baseline's, step by step."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum

import numpy as np

from profilednn_tui.compare.runs import Run
from profilednn_tui.compare.warmup import Floats
from profilednn_tui.protocol.vocabulary import ON
from profilednn_tui.session.view import Steps

WINDOW_SHARE = 0.1
"""Of the steps, for which a deviation has to last to be a drift: rounding comes and goes."""
SHORTEST_WINDOW = 3
FEWEST_STEPS = 3
SMALLEST_LOSS = 1e-30
"""So that deviations from a loss of zero are large, and still numbers."""
LEAST_LOSS = 0.1
"""Losses below this part of the largest are measured against it: a loss near zero has no relative error to speak of."""
SPREAD_FACTOR = 2.0
"""How many times the baseline's own spread a deviation may reach."""
GROWTH = 1.5
"""By which rounding errors may grow per step at most, until they reach what the precision allows for good: each update
carries them into the weights, and training is chaotic."""
BATCH_SHARE = 0.5
"""Of how much the losses vary from batch to batch: two trainings that rounding has driven apart still see the same
batches."""


class Precision(Enum):
    """What the sides compute in, by the size of the errors of a loss: in the first step, and for good."""

    FLOAT64 = 1e-10, 1e-2
    FLOAT32 = 1e-4, 2e-2
    """Sums in another order, over some thousand terms."""
    BFLOAT16 = 2e-2, 5e-2
    """Keeps 8 bits, 0.4 % of each number."""

    def envelope(self, positions: Floats) -> Floats:
        """How far apart losses may be, relative to the loss, at steps counted from 0; of the shape (steps,)."""
        first, last = self.value
        grown: Floats = np.minimum(last, first * GROWTH ** np.minimum(positions, 100.0))
        return grown


class Agreement(Enum):
    """What the losses say."""

    SAME = "same"
    """Equal to the last bit, or within what runs of the baseline differ by themselves."""
    NOISE = "within numerical noise"
    DRIFTING = "drifting"
    BROKEN = "broken"
    OTHER_NUMBERS = "other random numbers: not compared"
    """Other seeds or batches: losses that differ mean nothing, and losses that agree as little."""
    NOT_RECORDED = "random numbers not recorded: not compared"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class LossAgreement:
    """The verdict on the losses; all deviations are relative to the size of the baseline's loss."""

    agreement: Agreement
    from_step: int | None = None
    """Where a drift begins, or where the loss stops being a finite number."""
    largest: float | None = None
    """Largest deviation of a step."""
    spread: float | None = None
    """Largest one among the baseline's own runs; None with a single run."""
    steps: int = 0
    """Compared."""
    at_step: int | None = None
    """Where the largest deviation is."""

    @property
    def text(self) -> str:
        """The agreement in words."""
        if self.agreement is Agreement.DRIFTING:
            return f"drifting from step {self.from_step}"
        if self.agreement is Agreement.BROKEN:
            return f"broken: not finite from step {self.from_step}"
        if self.agreement is Agreement.UNKNOWN:
            return "unknown: no losses in common"
        return str(self.agreement.value)

    @property
    def changes_training(self) -> bool:
        """Whether a speedup comes with another training."""
        return self.agreement in (Agreement.DRIFTING, Agreement.BROKEN)


_FLOATS = re.compile(r"\b(?:bfloat16|BFloat16|half|Half|float16|float32|float|double|float64)\b")
BFLOAT16_KINDS = frozenset({"bf16", "bf16_matmul", "winograd", "ipex"})


def precision_of(runs: Sequence[Run]) -> Precision:
    """The coarsest precision that runs have computed in, by their optimizations and the operators of their windows."""
    taken = {one.name for run in runs for one in run.view.optimizations if one.state == ON}
    dtypes = {dtype for run in runs for row in run.view.operators.rows for dtype in _FLOATS.findall(row.key.dtypes)}
    if taken & BFLOAT16_KINDS or dtypes & {"bfloat16", "BFloat16", "half", "Half", "float16"}:
        return Precision.BFLOAT16
    return Precision.FLOAT64 if dtypes and dtypes <= {"double", "float64"} else Precision.FLOAT32


def same_numbers(baseline: Sequence[Run], candidate: Sequence[Run]) -> bool | None:
    """Whether all runs began with the same random state and the same first inputs; None where that is not recorded."""
    begun = [run.view.first_inputs for run in (*baseline, *candidate)]
    if not begun or any(one is None for one in begun):
        return None
    return len({(one.generator_crc32, one.inputs_crc32) for one in begun if one is not None}) == 1


def loss_agreement(
    baseline: Sequence[Steps],
    candidate: Sequence[Steps],
    precision: Precision = Precision.FLOAT32,
    same: bool | None = True,
) -> LossAgreement:
    """Compare the losses of two sides' runs over the steps that all of them have.

    Each step's deviation may reach what the precision explains at that step, what the baseline's own runs differ by, or
    a part of how much the losses vary from batch to batch once rounding has had the time to grow. `same` tells whether
    both sides had the same random numbers, as by `same_numbers`; without that nothing but a loss that stops being
    finite is told.
    """
    numbers = _common_numbers([*baseline, *candidate])
    if len(numbers) < FEWEST_STEPS:
        return LossAgreement(Agreement.UNKNOWN)
    reference = np.array([_losses(steps, numbers) for steps in baseline])
    tested = np.array([_losses(steps, numbers) for steps in candidate])
    broken = ~np.isfinite(tested).all(axis=0) & np.isfinite(reference).all(axis=0)
    if broken.any():
        return LossAgreement(Agreement.BROKEN, from_step=numbers[int(np.argmax(broken))], steps=len(numbers))
    if not same:
        return LossAgreement(Agreement.NOT_RECORDED if same is None else Agreement.OTHER_NUMBERS, steps=len(numbers))
    finite = np.isfinite(reference).all(axis=0) & np.isfinite(tested).all(axis=0)
    if finite.sum() < FEWEST_STEPS:
        return LossAgreement(Agreement.UNKNOWN)
    kept = [number for number, is_finite in zip(numbers, finite, strict=True) if is_finite]
    return _judge(reference[:, finite], tested[:, finite], kept, precision)


def _judge(reference: Floats, tested: Floats, numbers: Sequence[int], precision: Precision) -> LossAgreement:
    middle = np.median(reference, axis=0)
    scale = np.maximum(np.abs(middle), max(LEAST_LOSS * float(np.abs(middle).max()), SMALLEST_LOSS))
    deviation = np.max(np.abs(tested - middle), axis=0) / scale
    own = np.max(np.abs(reference - middle), axis=0) / scale
    spread = float(own.max()) if len(reference) > 1 else None
    steps = np.array(numbers, dtype=np.float64) - numbers[0]
    allowed = np.maximum(precision.envelope(steps), SPREAD_FACTOR * own.max())
    settled = precision.envelope(steps) >= precision.value[1]
    batches = np.std(np.diff(middle)) / np.sqrt(2) / scale
    allowed = np.where(settled, np.maximum(allowed, BATCH_SHARE * batches), allowed)
    drift = _lasting(deviation > allowed, max(SHORTEST_WINDOW, round(len(numbers) * WINDOW_SHARE)))
    worst = int(np.argmax(deviation))
    same = not deviation.any() or (len(reference) > 1 and bool((deviation <= own.max()).all()))
    agreement = Agreement.DRIFTING if drift is not None else Agreement.SAME if same else Agreement.NOISE
    return LossAgreement(
        agreement,
        numbers[drift] if drift is not None else None,
        float(deviation[worst]),
        spread,
        len(numbers),
        numbers[worst] if deviation.any() else None,
    )


def _lasting(beyond: np.ndarray[tuple[int], np.dtype[np.bool_]], window: int) -> int | None:
    """Where the first stretch begins that is as long as `window`, or that reaches the end."""
    length = 0
    for position, is_beyond in enumerate(beyond):
        length = length + 1 if is_beyond else 0
        if length >= window:
            return position - length + 1
    return len(beyond) - length if length >= SHORTEST_WINDOW else None


def _common_numbers(runs: Sequence[Steps]) -> list[int]:
    common = set.intersection(
        *({n for n, loss in zip(s.numbers, s.losses, strict=True) if loss is not None} for s in runs)
    )
    return sorted(common)


def _losses(steps: Steps, numbers: Sequence[int]) -> Floats:
    by_number = dict(zip(steps.numbers, steps.losses, strict=True))
    return np.array([by_number[number] for number in numbers], dtype=np.float64)
