"""How many more epochs a larger global batch needs: assumed, from a named source."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Annotated, Protocol

import msgspec

from profilednn_tui import units
from profilednn_tui.errors import ProfilerError
from profilednn_tui.plain import decode_plain
from profilednn_tui.plan.noise import MeasuredNoise
from profilednn_tui.plan.references import REFERENCES, SOURCE
from profilednn_tui.session.storage.files import read_file
from profilednn_tui.session.storage.folder import UNREADABLE

FILE_BYTES = 100_000
MOST_POINTS = 1_000
_EXAMPLE = '{"source": "our sweep", "points": [[256, 4], [512, 5]]}'


class Convergence(Protocol):
    """What is assumed on convergence."""

    @property
    def source(self) -> str:
        """Where it comes from, in words."""

    @property
    def reference_batch(self) -> int | None:
        """The global batch whose epochs count as one; None if all need the same."""

    @property
    def epochs(self) -> float | None:
        """That the reference batch needs; None if the source does not say."""

    def ratio(self, global_batch: int) -> float | None:
        """Epochs over those of the reference batch; None beyond what the source covers."""


@dataclass(frozen=True, slots=True)
class SameEpochs:
    """Nothing is assumed but that all batches need the same."""

    source: str = "every batch needs the same number of epochs"
    reference_batch: int | None = None
    epochs: float | None = None

    def ratio(self, global_batch: int) -> float | None:
        return 1.0


@dataclass(frozen=True, slots=True)
class Curve:
    """Points of a curve over the global batch, as multiples of the reference batch."""

    source: str
    reference_batch: int
    points: tuple[tuple[float, float], ...]
    """(batch over reference, epochs over its epochs), both rising."""
    epochs: float | None = None

    def ratio(self, global_batch: int) -> float | None:
        """Linear between points, as in MLCommons' checker; batches below the first need as many as that."""
        batch = global_batch / self.reference_batch
        if batch <= self.points[0][0]:
            return self.points[0][1]
        for (low, before), (high, after) in pairwise(self.points):
            if batch <= high:
                return before + (after - before) * (batch - low) / (high - low)
        return None


@dataclass(frozen=True, slots=True)
class NoiseScale:
    """The law of the gradient noise scale: E = E_min (1 + B / B_noise) samples for a global batch of B (McCandlish et
    al. 2018, An Empirical Model of Large-Batch Training, section 2.3, from eqs. 2.11 and 2.12)."""

    scale: float
    """B_noise, in samples."""
    reference_batch: int
    measured: str = ""
    """Where; empty if it was given."""
    epochs: float | None = None

    @property
    def source(self) -> str:
        where = f", {self.measured}" if self.measured else ""
        return f"a gradient noise scale of {units.count(self.scale)} samples{where} (McCandlish et al. 2018)"

    def ratio(self, global_batch: int) -> float | None:
        return (1 + global_batch / self.scale) / (1 + self.reference_batch / self.scale)


@dataclass(frozen=True, slots=True)
class _CurveFile:
    """A curve of the user's own."""

    points: Annotated[tuple[tuple[float, float], ...], msgspec.Meta(min_length=2, max_length=MOST_POINTS)]
    """(global batch, epochs)."""
    source: Annotated[str, msgspec.Meta(max_length=500)] = ""


def measured_noise_scale(noise: MeasuredNoise | None, reference_batch: int) -> NoiseScale:
    """That of a session; raises a `ProfilerError` if none tells it."""
    if noise is None:
        raise ProfilerError(
            "None of these sessions has recorded what its gradients have in common. Record one with "
            "`profilednn-tui run --gradient-noise ...`, and name it too."
        )
    scale = noise.scale
    if scale is None:
        raise ProfilerError(f"{noise.session} does not tell its gradient noise scale: {noise.reason}.")
    interval = f"{units.count(scale.low)} to {units.count(scale.high)}"
    where = f"measured in updates {noise.first} to {noise.last} of {noise.session} ({interval})"
    return NoiseScale(scale.value, reference_batch, where)


def named_curve(name: str, reference_batch: int) -> Curve:
    """The reference points of a benchmark, with their smallest batch taken for the reference batch."""
    points = _rising(REFERENCES[name])
    first, epochs = points[0]
    return Curve(f"{SOURCE}: {name}", reference_batch, tuple((batch / first, each / epochs) for batch, each in points))


def file_curve(path: Path, reference_batch: int | None) -> Curve:
    """A curve from a JSON file, by default with its smallest batch as the reference; raises a `ProfilerError`."""
    try:
        found = decode_plain(read_file(path, FILE_BYTES), _CurveFile)
    except OSError as error:
        known = ", ".join(REFERENCES)
        raise ProfilerError(
            f"{path} is no curve of convergence: there is no such name ({known}), and as a file it cannot be read "
            f"({error.strerror or error})."
        ) from None
    except UNREADABLE as error:
        raise ProfilerError(f"{path} is not a curve of convergence ({error}). Write {_EXAMPLE}.") from None
    positive = all(batch >= 1 and epochs > 0 and math.isfinite(batch * epochs) for batch, epochs in found.points)
    if not positive or len({batch for batch, _ in found.points}) < len(found.points):
        raise ProfilerError(
            f"{path}: every point needs another global batch, from 1 on, and epochs above 0. Write {_EXAMPLE}."
        )
    points = _rising(sorted(found.points))
    reference = reference_batch or round(points[0][0])
    whole = Curve("", 1, points)
    epochs = whole.ratio(reference)
    if epochs is None:
        raise ProfilerError(f"{path} ends at a batch of {points[-1][0]:g}: --reference-batch {reference} is beyond it.")
    scaled = tuple((batch / reference, each / epochs) for batch, each in points)
    return Curve(found.source or path.name, reference, scaled, epochs)


def _rising(points: Sequence[tuple[float, float]]) -> tuple[tuple[float, float], ...]:
    """What a batch needs at most: no more than any larger one."""
    found: list[tuple[float, float]] = []
    for batch, epochs in reversed(points):
        found.append((batch, min(epochs, found[-1][1]) if found else epochs))
    return tuple(reversed(found))
