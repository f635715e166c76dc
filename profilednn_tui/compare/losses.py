"""Whether a candidate still computes the same training: its losses against the baseline's, step by step."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum

import numpy as np

from profilednn_tui.compare.warmup import Floats
from profilednn_tui.session.view import Steps

NOISE = 0.02
"""Relative deviation of the smoothed losses that reduced precision explains: bfloat16 keeps 8 bits, each number within
0.4 %, and a loss sums up many of them."""
WINDOW_SHARE = 0.1
"""Of the steps, over which deviations are averaged: a drift goes on, rounding cancels out."""
SHORTEST_WINDOW = 3
FEWEST_STEPS = 3
SMALLEST_LOSS = 1e-30
"""So that deviations from a loss of zero are large, and still numbers."""
SPREAD_FACTOR = 2.0
"""How many times the baseline's own spread a deviation may reach."""


class Agreement(Enum):
    """What the losses say."""

    SAME = "same"
    """Equal to the last bit, or within what runs of the baseline differ by themselves."""
    NOISE = "within numerical noise"
    DRIFTING = "drifting"
    BROKEN = "broken"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class LossAgreement:
    """The verdict on the losses; all deviations are relative to the size of the baseline's loss."""

    agreement: Agreement
    from_step: int | None = None
    """Where a drift begins, or where the loss stops being a finite number."""
    largest: float | None = None
    """Largest deviation of the smoothed losses."""
    spread: float | None = None
    """Largest one among the baseline's own runs; nothing with a single run."""
    steps: int = 0
    """Compared."""

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


def loss_agreement(baseline: Sequence[Steps], candidate: Sequence[Steps]) -> LossAgreement:
    """Compare the losses of two sides' runs over the steps that all of them have.

    With two or more runs of the baseline, their own spread is the yardstick. With a single one it is the variation of
    its losses from step to step: two runs whose seeds differ see other batches.
    """
    numbers = _common_numbers([*baseline, *candidate])
    if len(numbers) < FEWEST_STEPS:
        return LossAgreement(Agreement.UNKNOWN)
    reference = np.array([_losses(steps, numbers) for steps in baseline])
    tested = np.array([_losses(steps, numbers) for steps in candidate])
    broken = ~np.isfinite(tested).all(axis=0) & np.isfinite(reference).all(axis=0)
    if broken.any():
        return LossAgreement(Agreement.BROKEN, from_step=numbers[int(np.argmax(broken))], steps=len(numbers))
    finite = np.isfinite(reference).all(axis=0) & np.isfinite(tested).all(axis=0)
    if finite.sum() < FEWEST_STEPS:
        return LossAgreement(Agreement.UNKNOWN)
    kept = [number for number, is_finite in zip(numbers, finite, strict=True) if is_finite]
    return _judge(reference[:, finite], tested[:, finite], kept)


def _judge(reference: Floats, tested: Floats, numbers: Sequence[int]) -> LossAgreement:
    window = max(SHORTEST_WINDOW, round(len(numbers) * WINDOW_SHARE))
    middle = np.median(reference, axis=0)
    scale = np.maximum(smooth(np.abs(middle), window), SMALLEST_LOSS)
    deviation = np.abs(smooth(np.median(tested, axis=0) - middle, window)) / scale
    if len(reference) > 1:
        apart = (reference - middle) / scale
        own = np.max([np.abs(smooth(run, window)) for run in apart], axis=0)
        spread: float | None = float(own.max())
        yardstick = np.full_like(own, SPREAD_FACTOR * own.max())
        same = bool((np.abs(np.median(tested, axis=0) - middle) / scale <= np.abs(apart).max()).all())
    else:
        spread = None
        batches = np.std(np.diff(middle)) / np.sqrt(2)
        yardstick = SPREAD_FACTOR * batches * np.sqrt(2 / window) / scale
        same = bool((tested == middle).all())
    beyond = deviation > np.maximum(NOISE, yardstick)
    drift = _lasting(beyond, window)
    if drift is not None:
        agreement, step = Agreement.DRIFTING, numbers[drift]
    else:
        agreement, step = (Agreement.SAME if same else Agreement.NOISE), None
    return LossAgreement(agreement, step, float(deviation.max()), spread, len(numbers))


def smooth(values: Floats, window: int) -> Floats:
    """The mean over the `window` values around each one; at the ends, over those there are. Shape (steps,)."""
    sums = np.concatenate([[0.0], np.cumsum(values)])
    positions = np.arange(len(values))
    low = np.maximum(0, positions - window // 2)
    high = np.minimum(len(values), positions + (window + 1) // 2)
    means: Floats = (sums[high] - sums[low]) / (high - low)
    return means


def _lasting(beyond: np.ndarray[tuple[int], np.dtype[np.bool_]], window: int) -> int | None:
    """Where the first stretch begins that is as long as the averaging window, or that reaches the end."""
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
