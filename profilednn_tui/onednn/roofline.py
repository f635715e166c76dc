"""Achieved against attainable performance on this machine (Williams, Waterman, Patterson: Roofline, 2009)."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from profilednn_tui.onednn.work import Work

FAR_BELOW = 0.2
"""Below this fraction of the roof, neither arithmetic nor memory explains the time."""


@dataclass(frozen=True, slots=True)
class Peaks:
    """The peak performance of a machine with a given number of threads."""

    float32_gflops: float
    bfloat16_gflops: float
    bandwidth_gb_per_s: float
    threads: int
    torch: str

    def gflops(self, data_type: str) -> float:
        """The peak for a data type, named as by oneDNN or torch."""
        return self.bfloat16_gflops if data_type.startswith(("bf16", "bfloat16")) else self.float32_gflops


class Bound(Enum):
    """What limits the performance."""

    COMPUTE = "compute"
    MEMORY = "memory"
    OVERHEAD = "overhead"
    """The performance is far below both limits: too small, badly laid out, or poor code."""


@dataclass(frozen=True, slots=True)
class RooflinePoint:
    """Work on the roofline."""

    gflops: float
    """Achieved."""
    gb_per_s: float
    intensity: float | None
    """FLOP per byte; None if no bytes are moved."""
    roof: float
    """Achieved fraction of the attainable rate at this intensity."""
    peak_share: float
    """Achieved fraction of the arithmetic peak."""
    bound: Bound

    @property
    def above_peak(self) -> bool:
        """Whether it is faster than the arithmetic peak, which must then be wrong."""
        return self.peak_share > 1

    @property
    def from_caches(self) -> bool:
        """Whether it moves data faster than memory can."""
        return not self.above_peak and self.roof > 1


def locate(work: Work, time_ms: float, peaks: Peaks, data_type: str) -> RooflinePoint | None:
    """Place work that took `time_ms` on the roofline; None if there is no work or no time."""
    if time_ms <= 0 or not (work.flops or work.bytes):
        return None
    seconds = time_ms / 1e3
    peak = peaks.gflops(data_type)
    compute_s, memory_s = work.flops / peak / 1e9, work.bytes / peaks.bandwidth_gb_per_s / 1e9
    roof = max(compute_s, memory_s) / seconds
    bound = Bound.COMPUTE if compute_s >= memory_s else Bound.MEMORY
    gflops = work.flops / seconds / 1e9
    return RooflinePoint(
        gflops,
        work.bytes / seconds / 1e9,
        work.intensity,
        roof,
        gflops / peak,
        bound if roof >= FAR_BELOW else Bound.OVERHEAD,
    )
