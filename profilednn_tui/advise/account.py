"""Where the time of a step goes, in parts that findings can claim without claiming any time twice.

A part is an operator in a phase, or the rest of a phase: what the training thread does there outside of operators. The
parts add up to the median step. Times of operators come from profiled steps; where they exceed the phase of plain
steps, they are scaled down to it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from profilednn_tui.session.view import Operator, OperatorKey, SessionView


@dataclass(frozen=True, slots=True)
class Part:
    """An operator in a phase, or the rest of a phase."""

    phase: str
    operator: OperatorKey | None = None


Covered = Mapping[Part, float]
"""Nanoseconds per step."""
NOTHING: Covered = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class StepAccount:
    """The parts of a step."""

    step_ns: float = 0.0
    """The median of plain steps; 0 before there are any."""
    parts: Covered = field(default_factory=lambda: NOTHING)
    has_operators: bool = False

    def share(self, covered: Covered) -> float:
        """What some time is of the step; at most 1."""
        return min(1.0, sum(covered.values()) / self.step_ns) if self.step_ns else 0.0

    def where(self, chosen: Callable[[Part], bool], fraction: float = 1.0) -> Covered:
        """A fraction of the parts that are chosen."""
        return {part: time_ns * fraction for part, time_ns in self.parts.items() if time_ns > 0 and chosen(part)}

    def everywhere(self, fraction: float) -> Covered:
        """The same fraction of all parts."""
        return self.where(lambda part: True, fraction)

    def of_operators(self, operators: Iterable[Operator], fraction: float = 1.0) -> Covered:
        """A fraction of the self time of operators."""
        keys = {operator.key for operator in operators}
        return self.where(lambda part: part.operator in keys, fraction)

    def of_phase(self, phase: str, fraction: float = 1.0) -> Covered:
        """A fraction of a phase."""
        return self.where(lambda part: part.phase == phase, fraction)

    def outside(self, phases: Iterable[str]) -> Covered:
        """The rest of some phases."""
        wanted = frozenset(phases)
        return self.where(lambda part: part.operator is None and part.phase in wanted)


def account_of(view: SessionView) -> StepAccount:
    """The account of a session's shown process."""
    step_ns = view.steps.median_ns or 0.0
    phases = {phase.name: phase.share * step_ns for phase in view.phases}
    by_phase: dict[str, list[Operator]] = {}
    for operator in view.operators.rows:
        by_phase.setdefault(_phase_of(operator, phases), []).append(operator)
    parts: dict[Part, float] = {}
    for phase, phase_ns in phases.items():
        rows = by_phase.get(phase, [])
        seen_ns = sum(row.self_ns_per_step for row in rows)
        scale = min(1.0, phase_ns / seen_ns) if seen_ns > 0 else 0.0
        for row in rows:
            part = Part(phase, row.key)
            parts[part] = parts.get(part, 0.0) + row.self_ns_per_step * scale
        parts[Part(phase)] = max(0.0, phase_ns - seen_ns * scale)
    return StepAccount(step_ns, MappingProxyType(parts), bool(view.operators.rows))


def union(claims: Iterable[Covered]) -> Covered:
    """What several findings cover together: of each part, the largest claim."""
    together: dict[Part, float] = {}
    for covered in claims:
        for part, time_ns in covered.items():
            together[part] = max(time_ns, together.get(part, 0.0))
    return together


def _phase_of(operator: Operator, phases: Mapping[str, float]) -> str:
    """The phase of an operator; recordings of early versions know only what ran in the autograd engine."""
    if operator.phase in phases:
        return operator.phase
    return "backward" if operator.backward else "forward"
