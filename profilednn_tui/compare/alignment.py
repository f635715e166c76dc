"""The parts of two sides next to each other: which were added or are gone, and which grew or shrank."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Sequence
from dataclasses import dataclass, replace
from enum import Enum
from typing import Generic, TypeVar

import numpy as np

from profilednn_tui.compare.runs import Side
from profilednn_tui.compare.samples import FairSteps
from profilednn_tui.protocol.vocabulary import PHASES
from profilednn_tui.ranks.account import ranks_of
from profilednn_tui.session.view import Module, Operator, SessionView

NOTABLE_SHARE = 0.1
"""Smaller relative changes of a part cannot be detected with windows of a few steps."""
NOTABLE_TOTAL = 0.002
"""Changes smaller than this share of the total are not worth reporting."""

Part = TypeVar("Part")
Key = TypeVar("Key", bound=Hashable)


class Change(Enum):
    """How a part changed from the baseline to the candidate."""

    ADDED = "added"
    GONE = "gone"
    GROWN = "grown"
    SHRUNK = "shrunk"
    UNCHANGED = "unchanged"
    NOT_JUDGED = "not judged"
    """It may have grown or shrunk, but the sides are not comparable."""


@dataclass(frozen=True, slots=True)
class Aligned(Generic[Key]):
    """One part on both sides: means over the runs, None if the side lacks it."""

    key: Key
    baseline_ns: float | None
    candidate_ns: float | None
    change: Change
    baseline_calls: float = 0.0
    candidate_calls: float = 0.0

    @property
    def difference_ns(self) -> float:
        """How much longer the part takes per step in the candidate."""
        return (self.candidate_ns or 0.0) - (self.baseline_ns or 0.0)


@dataclass(frozen=True, slots=True)
class OperatorName:
    """The key for aligning operators: the same work in another dtype or memory format is the same operator."""

    name: str
    input_shapes: str


@dataclass(frozen=True, slots=True)
class ModuleName:
    """The key for aligning modules."""

    path: str
    class_name: str


@dataclass(frozen=True, slots=True)
class RankPart:
    """The key for aligning ranks: a part of the step of one of them."""

    rank: int
    part: str
    """``own work``, ``waiting`` for later ranks, or ``transfer``."""


@dataclass(frozen=True, slots=True)
class Figure:
    """One figure of both sides: medians over the runs."""

    name: str
    unit: str
    """``bytes``, ``count`` or ``percent``."""
    baseline: float | None
    candidate: float | None


def align_phases(baseline: Sequence[FairSteps], candidate: Sequence[FairSteps]) -> tuple[Aligned[str], ...]:
    """Align the phases of a step: medians over the runs of their per-step medians."""
    sides = [np.median([np.median(run.phases_ns, axis=0) for run in runs], axis=0) for runs in (baseline, candidate)]
    total_ns = float(sides[0].sum())
    return tuple(
        Aligned(name, float(first), float(second), _change(float(first), float(second), total_ns))
        for name, first, second in zip(PHASES, *sides, strict=True)
        if first or second
    )


def align_operators(baseline: Side, candidate: Side) -> tuple[Aligned[OperatorName], ...]:
    """Align operators by name and input shapes, with self time per step; largest difference first."""
    return _align([*map(_operator_totals, _profiled(baseline))], [*map(_operator_totals, _profiled(candidate))])


def align_modules(baseline: Side, candidate: Side) -> tuple[Aligned[ModuleName], ...]:
    """Align modules by path and class, with forward and backward time including children; largest difference first."""
    return _align(
        [*map(_module_totals, _profiled(baseline))], [*map(_module_totals, _profiled(candidate))], nested=True
    )


def align_ranks(baseline: Side, candidate: Side) -> tuple[Aligned[RankPart], ...]:
    """Align the parts of the step of each rank, in the order of the ranks; empty unless both sides have several."""
    first, second = (
        [_rank_totals(view) for view in _views(side) if len(view.ranks) > 1] for side in (baseline, candidate)
    )
    return tuple(sorted(_align(first, second), key=lambda row: row.key.rank))


def align_figures(baseline: Side, candidate: Side) -> tuple[Figure, ...]:
    """Align memory, page faults and CPU use."""
    return tuple(
        Figure(name, unit, _median(map(figure, _views(baseline))), _median(map(figure, _views(candidate))))
        for name, unit, figure in _FIGURES
    )


def _faults_per_step(view: SessionView) -> float | None:
    stepping, rate = view.memory.stepping, view.steps.steps_per_s
    return stepping.faults_per_s / rate if stepping and rate else None


_FIGURES: tuple[tuple[str, str, Callable[[SessionView], float | None]], ...] = (
    ("peak memory", "bytes", lambda view: view.memory.peak_rss_bytes),
    ("page faults per step", "count", _faults_per_step),
    ("target's CPU", "percent", lambda view: view.cores.mean_target_percent),
    ("others' CPU", "percent", lambda view: view.cores.mean_others_percent),
    ("profiling overhead", "percent", lambda view: view.agent.overhead_percent),
)

_Totals = dict[Key, tuple[float, float]]
"""Key -> time in ns and number of calls, both per step."""


def _align(
    baseline: list[_Totals[Key]], candidate: list[_Totals[Key]], nested: bool = False
) -> tuple[Aligned[Key], ...]:
    if not baseline or not candidate:
        return ()
    first, second = _mean(baseline), _mean(candidate)
    times = [time_ns for time_ns, _ in first.values()]
    total_ns = max(times, default=0.0) if nested else sum(times)
    rows = []
    for key in {**first, **second}:
        (before_ns, before_calls), (after_ns, after_calls) = (side.get(key, (None, 0.0)) for side in (first, second))
        change = _change(before_ns, after_ns, total_ns)
        rows.append(Aligned(key, before_ns, after_ns, change, before_calls, after_calls))
    return tuple(sorted(rows, key=lambda row: -abs(row.difference_ns)))


def _change(before_ns: float | None, after_ns: float | None, total_ns: float) -> Change:
    if before_ns is None:
        return Change.ADDED
    if after_ns is None:
        return Change.GONE
    difference_ns = after_ns - before_ns
    if abs(difference_ns) < max(NOTABLE_SHARE * before_ns, NOTABLE_TOTAL * total_ns):
        return Change.UNCHANGED
    return Change.GROWN if difference_ns > 0 else Change.SHRUNK


def _operator_totals(view: SessionView) -> _Totals[OperatorName]:
    return _totals(
        view.operators.rows, _operator_name, lambda row: row.self_ns_per_step, lambda row: row.calls_per_step
    )


def _module_totals(view: SessionView) -> _Totals[ModuleName]:
    return _totals(view.operators.modules, _module_name, lambda row: row.time_ns, lambda row: row.calls_per_step)


def _rank_totals(view: SessionView) -> _Totals[RankPart]:
    return {
        RankPart(row.rank, part): (time_ns, 1.0)
        for row in ranks_of(view.ranks).rows
        for part, time_ns in (("own work", row.own_ns), ("waiting", row.late_ns), ("transfer", row.transfer_ns))
    }


def _totals(
    parts: Iterable[Part],
    key_of: Callable[[Part], Key],
    time_ns: Callable[[Part], float],
    calls: Callable[[Part], float],
) -> _Totals[Key]:
    totals: _Totals[Key] = {}
    for part in parts:
        key = key_of(part)
        known_ns, known_calls = totals.get(key, (0.0, 0.0))
        totals[key] = (known_ns + time_ns(part), known_calls + calls(part))
    return totals


def _mean(runs: list[_Totals[Key]]) -> _Totals[Key]:
    sums: _Totals[Key] = {}
    for totals in runs:
        for key, (time_ns, calls) in totals.items():
            known_ns, known_calls = sums.get(key, (0.0, 0.0))
            sums[key] = (known_ns + time_ns / len(runs), known_calls + calls / len(runs))
    return sums


def _operator_name(row: Operator) -> OperatorName:
    return OperatorName(row.key.name, row.key.input_shapes)


def _module_name(module: Module) -> ModuleName:
    return ModuleName(module.path, module.class_name)


def _views(side: Side) -> list[SessionView]:
    return [run.view for run in side.runs]


def _profiled(side: Side) -> list[SessionView]:
    return [view for view in _views(side) if view.operators.windows]


def _median(values: Iterable[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return float(np.median(known)) if known else None


def without_judgement(rows: tuple[Aligned[Key], ...]) -> tuple[Aligned[Key], ...]:
    """The rows for sides that are not comparable: none is marked as grown or shrunk."""
    changed = (Change.GROWN, Change.SHRUNK)
    return tuple(replace(row, change=Change.NOT_JUDGED) if row.change in changed else row for row in rows)
