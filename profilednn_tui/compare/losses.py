"""Whether training still computes the same thing: the candidate's losses against the baseline's, step by step."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import Enum

import numpy as np

from profilednn_tui.compare.runs import Run
from profilednn_tui.compare.warmup import Floats
from profilednn_tui.protocol.vocabulary import ON
from profilednn_tui.session.view import Steps

WINDOW_SHARE = 0.1
"""Share of the steps for which a deviation must last to count as drift: rounding errors come and go."""
EARLY_WINDOW = 8
"""At most so many steps while rounding errors still grow: that long, they do not exceed what explains them."""
SHORTEST_WINDOW = 3
FEWEST_STEPS = 3
SMALLEST_LOSS = 1e-30
"""Keeps deviations from a loss of zero large but finite."""
LEAST_LOSS = 0.1
"""Lower bound of the scale, as a share of the largest loss: relative errors of a loss near zero mean nothing."""
SPREAD_FACTOR = 2.0
"""A deviation may reach this multiple of the baseline's own spread."""
GROWTH = 1.5
"""The factor by which rounding errors may grow per step, up to the precision's final limit: each update carries them
into the weights, and training is chaotic."""
BATCH_SHARE = 0.5
"""Share of the variation from batch to batch that a deviation may reach: two runs that rounding has driven apart still
see the same batches."""


class Precision(Enum):
    """The precision of the arithmetic, as the allowed relative error of a loss: in the first step, and in the end."""

    FLOAT64 = 1e-10, 1e-2
    FLOAT32 = 1e-5, 2e-2
    """Allows for sums of some thousand terms in a different order: with every optimization, the programs of
    `benchmarks.safety` have been 4e-6 apart at most."""
    BFLOAT16 = 2e-2, 5e-2
    """Has 8 significant bits: 0.4 % of each number."""

    def envelope(self, positions: Floats) -> Floats:
        """The allowed relative deviation of the losses at steps counted from 0; shape (steps,)."""
        first, last = self.value
        grown: Floats = np.minimum(last, first * GROWTH ** np.minimum(positions, 100.0))
        return grown


class Agreement(Enum):
    """The results a comparison of losses can have."""

    SAME = "same"
    """Equal to the last bit, or within the baseline's own spread."""
    NOISE = "within numerical noise"
    DRIFTING = "drifting"
    BROKEN = "broken"
    OTHER_NUMBERS = "other random numbers: not compared"
    """Different seeds or batches: neither a difference nor an agreement means anything."""
    NOT_RECORDED = "random numbers not recorded: not compared"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class LossAgreement:
    """The verdict on the losses; deviations are relative to the magnitude of the baseline's loss."""

    agreement: Agreement
    from_step: int | None = None
    """The step where a drift begins or a loss is no longer finite."""
    largest: float | None = None
    """The largest deviation."""
    spread: float | None = None
    """The largest deviation among the baseline's own runs; None with a single run."""
    steps: int = 0
    """Number of steps compared."""
    at_step: int | None = None
    """The step with the largest deviation."""
    lost_from: int | None = None
    """The first step whose loss is not finite on either side: it is compared with nothing."""

    @property
    def text(self) -> str:
        """The agreement in words."""
        if self.agreement is Agreement.DRIFTING:
            return f"drifting from step {self.from_step}"
        if self.agreement is Agreement.BROKEN:
            return f"broken: not finite from step {self.from_step}"
        if self.agreement is Agreement.UNKNOWN:
            return "unknown: no losses in common" if self.lost_from is None else f"unknown: {self.lost_text}"
        return str(self.agreement.value)

    @property
    def lost_text(self) -> str:
        """Where there is nothing to compare any more; empty if there always is."""
        return "" if self.lost_from is None else f"neither side has a finite loss from step {self.lost_from} on"

    @property
    def changes_training(self) -> bool:
        """Whether the candidate does not compute the same training as the baseline."""
        return self.agreement in (Agreement.DRIFTING, Agreement.BROKEN)


_FLOATS = re.compile(r"\b(?:bfloat16|float16|float32|float64)\b")
BFLOAT16_KINDS = frozenset({"bf16", "bf16_matmul", "winograd", "ipex"})


def precision_of(runs: Sequence[Run]) -> Precision:
    """The lowest precision used by any run, judged by optimizations and by the operators in windows."""
    taken = {one.name for run in runs for one in run.view.optimizations if one.state == ON}
    dtypes = {dtype for run in runs for row in run.view.operators.rows for dtype in _FLOATS.findall(row.key.dtypes)}
    if taken & BFLOAT16_KINDS or dtypes & {"bfloat16", "float16"}:
        return Precision.BFLOAT16
    return Precision.FLOAT64 if dtypes and dtypes <= {"float64"} else Precision.FLOAT32


def same_numbers(baseline: Sequence[Run], candidate: Sequence[Run]) -> bool | None:
    """Whether all runs began with the same random state and first inputs; None if that was not recorded."""
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

    A step's deviation may reach what the precision explains at that step, a multiple of the baseline's own spread, or,
    once rounding errors have had time to grow, a share of the variation from batch to batch. `same` is the result of
    `same_numbers`; unless it is true, only losses that are no longer finite are reported.
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
    lost = ~(np.isfinite(reference).all(axis=0) | np.isfinite(tested).all(axis=0))
    lost_from = numbers[int(np.argmax(lost))] if lost.any() else None
    if finite.sum() < FEWEST_STEPS:
        return LossAgreement(Agreement.UNKNOWN, lost_from=lost_from)
    kept = [number for number, is_finite in zip(numbers, finite, strict=True) if is_finite]
    return replace(_judge(reference[:, finite], tested[:, finite], kept, precision), lost_from=lost_from)


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
    beyond = deviation > allowed
    window = max(SHORTEST_WINDOW, round(len(numbers) * WINDOW_SHARE))
    drifts = _lasting(beyond & ~settled, min(window, EARLY_WINDOW)), _lasting(beyond, window)
    drift = min((start for start in drifts if start is not None), default=None)
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
    """The start of the first stretch that is as long as `window` or reaches the end."""
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
