"""Measured points: what a step of a setting takes, and how much memory."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from profilednn_tui.ranks.efficiency import Estimate, estimate


@dataclass(frozen=True, slots=True, order=True)
class Setting:
    """What a plan chooses."""

    ranks: int
    threads: int
    """Of each rank."""
    batch: int
    """Samples that each rank takes per step."""

    @property
    def name(self) -> str:
        """As the cell of a grid is called."""
        return f"ranks{self.ranks}-threads{self.threads}-batch{self.batch}"

    @property
    def cores(self) -> int:
        """One for each thread."""
        return self.ranks * self.threads

    @property
    def global_batch(self) -> int:
        """Samples of all ranks per step."""
        return self.ranks * self.batch


@dataclass(frozen=True, slots=True)
class Observation:
    """One run of a setting."""

    setting: Setting
    step_ns: float
    """Mean of its plain steps."""
    peak_bytes: int | None = None
    """Of its largest process; None if unknown."""


@dataclass(frozen=True, slots=True)
class Point:
    """All runs of a setting together."""

    setting: Setting
    runs: int
    step_ns: Estimate
    peak_bytes: Estimate | None = None


def points_of(observations: Iterable[Observation]) -> tuple[Point, ...]:
    """A point for each setting, in their order."""
    runs: dict[Setting, list[Observation]] = {}
    for one in observations:
        runs.setdefault(one.setting, []).append(one)
    return tuple(_point(setting, runs[setting]) for setting in sorted(runs))


def _point(setting: Setting, runs: list[Observation]) -> Point:
    peaks = [float(one.peak_bytes) for one in runs if one.peak_bytes]
    return Point(setting, len(runs), estimate([one.step_ns for one in runs]), estimate(peaks) if peaks else None)
