"""The parts of two sides next to each other: which were added or are gone, and which grew or shrank."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Sequence
from dataclasses import dataclass, replace
from enum import Enum
from typing import Generic, TypeVar

import numpy as np

from profilednn_tui.compare.runs import Side
from profilednn_tui.compare.samples import FairSteps
from profilednn_tui.compare.significance import Significance, changed_parts
from profilednn_tui.protocol.vocabulary import PHASES
from profilednn_tui.ranks.account import ranks_of
from profilednn_tui.session.view import Module, Operator, SessionView

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
    FEW_RUNS = "too few runs"
    """It may have grown or shrunk, but the runs do not show how much it varies between them."""


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
    each = [np.array([np.median(run.phases_ns, axis=0) for run in runs]) for runs in (baseline, candidate)]
    whole_ns = float(each[0].mean(axis=0).sum())
    changed = changed_parts(
        each[0], each[1], ([run.turn for run in baseline], [run.turn for run in candidate]), whole_ns
    )
    return tuple(
        Aligned(name, float(first), float(second), _change(float(first), float(second), changed, place))
        for place, (name, first, second) in enumerate(
            zip(PHASES, *(np.median(side, axis=0) for side in each), strict=True)
        )
        if first or second
    )


def align_operators(baseline: Side, candidate: Side) -> tuple[Aligned[OperatorName], ...]:
    """Align operators by name and input shapes, with self time per step; largest difference first."""
    return _align(baseline, candidate, _operator_totals, _is_profiled)


def align_modules(baseline: Side, candidate: Side) -> tuple[Aligned[ModuleName], ...]:
    """Align modules by path and class, with forward and backward time including children; largest difference first."""
    return _align(baseline, candidate, _module_totals, _is_profiled, nested=True)


def align_ranks(baseline: Side, candidate: Side) -> tuple[Aligned[RankPart], ...]:
    """Align the parts of the step of each rank, in the order of the ranks; empty unless both sides have several."""
    rows = _align(baseline, candidate, _rank_totals, lambda view: len(view.ranks) > 1)
    return tuple(sorted(rows, key=lambda row: row.key.rank))


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
    baseline: Side,
    candidate: Side,
    totals: Callable[[SessionView], _Totals[Key]],
    counts: Callable[[SessionView], bool],
    nested: bool = False,
) -> tuple[Aligned[Key], ...]:
    """Align what `totals` tells of those runs that count; parts may be `nested` in each other."""
    runs = [[run for run in side.runs if counts(run.view)] for side in (baseline, candidate)]
    if not all(runs):
        return ()
    each = [[totals(run.view) for run in side] for side in runs]
    first, second = map(_mean, each)
    keys = list({**first, **second})
    times = [np.array([[known.get(key, (0.0, 0.0))[0] for key in keys] for known in side]) for side in each]
    turns = [[run.turn for run in side] for side in runs]
    before = times[0].mean(axis=0)
    whole_ns = float(before.max(initial=0.0) if nested else before.sum())
    changed = changed_parts(times[0], times[1], (turns[0], turns[1]), whole_ns)
    rows = []
    for place, key in enumerate(keys):
        (before_ns, before_calls), (after_ns, after_calls) = (side.get(key, (None, 0.0)) for side in (first, second))
        change = _change(before_ns, after_ns, changed, place)
        rows.append(Aligned(key, before_ns, after_ns, change, before_calls, after_calls))
    return tuple(sorted(rows, key=lambda row: -abs(row.difference_ns)))


def _change(before_ns: float | None, after_ns: float | None, changed: Significance, place: int) -> Change:
    if before_ns is None:
        return Change.ADDED
    if after_ns is None:
        return Change.GONE
    if changed.reason:
        return Change.FEW_RUNS
    if not changed.changed[place]:
        return Change.UNCHANGED
    return Change.GROWN if after_ns > before_ns else Change.SHRUNK


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


def _is_profiled(view: SessionView) -> bool:
    return bool(view.operators.windows)


def _median(values: Iterable[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return float(np.median(known)) if known else None


def without_judgement(rows: tuple[Aligned[Key], ...]) -> tuple[Aligned[Key], ...]:
    """The rows for sides that are not comparable: none is said to have changed, or not to."""
    known = (Change.ADDED, Change.GONE)
    return tuple(row if row.change in known else replace(row, change=Change.NOT_JUDGED) for row in rows)
