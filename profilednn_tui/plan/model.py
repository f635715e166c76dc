"""What a step takes and how much memory a rank needs, as sums of terms that each have a meaning.

A step is overhead and work per sample, each with a part that threads share (Amdahl 1967). Ranks of one machine share
its memory, so each further one adds to both: its samples, and the bytes of a ring all-reduce, which are 2 (R - 1) times
the gradients for R ranks together (Patarasuk and Yuan 2009). Each further thread of a team costs time to start. The
memory is that of the program, the activations of each sample, a stack and an arena for each thread, and, with several
ranks, buckets for the gradients.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from profilednn_tui.plan.fit import Predictor, predictor
from profilednn_tui.plan.points import Point, Setting
from profilednn_tui.plan.reach import Kind, Reach, memory_bounds, reach, step_bounds
from profilednn_tui.ranks.efficiency import Estimate


@dataclass(frozen=True, slots=True)
class StepWeights:
    """What each term of a step takes, in nanoseconds, in the order of `step_terms`."""

    overhead: float
    shared_overhead: float
    """With one thread; threads divide it."""
    sample: float
    shared_sample: float
    further_rank: float
    further_rank_sample: float
    further_thread: float


def step_terms(setting: Setting) -> tuple[float, ...]:
    """The terms of the step of a rank, in the order of `StepWeights`."""
    batch, threads, others = float(setting.batch), setting.threads, setting.ranks - 1.0
    return 1.0, 1 / threads, batch, batch / threads, others, others * batch, threads - 1.0


def memory_terms(setting: Setting) -> tuple[float, ...]:
    """The terms of the memory of a rank."""
    return 1.0, float(setting.batch), setting.threads - 1.0, float(setting.ranks > 1)


@dataclass(frozen=True, slots=True)
class Outlook:
    """What the points say about a setting; None for what is unknown."""

    reach: Reach
    runs: int = 0
    step_ns: Estimate | None = None
    peak_bytes: Estimate | None = None
    """Of the largest process: of each rank."""


@dataclass(frozen=True, slots=True)
class Model:
    """All points, and what is predicted from them."""

    points: tuple[Point, ...]
    step: Predictor
    memory: Predictor | None
    """None if no point tells it."""

    @property
    def weights(self) -> StepWeights | None:
        """Of the terms of a step; None if all points have one batch, which does not tell overhead from work."""
        if len({point.setting.batch for point in self.points}) < 2:
            return None
        return StepWeights(*self.step.whole.weights)

    def look(self, setting: Setting) -> Outlook:
        """What is known about a setting."""
        found = reach(setting, [point.setting for point in self.points])
        if found.kind is Kind.UNKNOWN:
            return Outlook(found)
        point = next((point for point in self.points if point.setting == setting), None)
        step_ns, peak_bytes = self._step_ns(found.edge), self._peak_bytes(found.edge)
        if found.kind is Kind.ASSUMED:
            step_ns = _bounded(self.step, setting, step_ns, step_bounds(setting, found.edge))
            if self.memory is not None and peak_bytes is not None:
                peak_bytes = _bounded(self.memory, setting, peak_bytes, memory_bounds(setting, found.edge))
        return Outlook(found, point.runs if point is not None else 0, step_ns, peak_bytes)

    def _step_ns(self, setting: Setting) -> Estimate:
        measured = [point.step_ns for point in self.points if point.setting == setting]
        return measured[0] if measured else self.step.predict(setting)

    def _peak_bytes(self, setting: Setting) -> Estimate | None:
        measured = [point.peak_bytes for point in self.points if point.setting == setting]
        if measured and measured[0] is not None:
            return measured[0]
        return self.memory.predict(setting) if self.memory is not None else None


def model_of(points: Sequence[Point]) -> Model:
    """Fitted to points, of which there must be at least one."""
    steps = {point.setting: point.step_ns.value for point in points}
    peaks = {point.setting: point.peak_bytes.value for point in points if point.peak_bytes is not None}
    memory = predictor(memory_terms, peaks) if peaks else None
    return Model(tuple(points), predictor(step_terms, steps), memory)


def _bounded(by: Predictor, setting: Setting, edge: Estimate, bounds: tuple[float, float]) -> Estimate:
    """What the fit says, kept within bounds around the edge."""
    low, high = (edge.low or edge.value) * bounds[0], (edge.high or edge.value) * bounds[1]
    return Estimate(min(max(by.whole(setting), low), high), low, high)
