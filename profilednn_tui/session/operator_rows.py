"""Operators as table rows: of one module, with merged shapes, with their achieved rates. Pure functions."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass

from profilednn_tui.onednn.roofline import Peaks, RooflinePoint, locate
from profilednn_tui.onednn.work import Work
from profilednn_tui.session.model.work import work_per_step
from profilednn_tui.session.view import Operator, OperatorKey, Operators, Primitives

_NO_PRIMITIVES = Primitives()
_NO_WORK = Work(0.0, 0.0)


@dataclass(frozen=True, slots=True)
class RatedOperator:
    """An operator and how fast it works."""

    operator: Operator
    gflops: float | None = None
    """Achieved rate over the total time; None if the work is unknown."""
    point: RooflinePoint | None = None
    """Relative to the machine's peaks; None if these were not measured."""


def rated_operators(
    operators: Operators,
    module: str | None = None,
    merged: bool = False,
    primitives: Primitives = _NO_PRIMITIVES,
    peaks: Peaks | None = None,
) -> tuple[RatedOperator, ...]:
    """All operators, or those that run in a module or below it; with `merged`, one row per operator for all shapes.

    A merged row has a rate only if the work of all its operators is known.
    """
    rows = operators.rows
    if module:
        rows = tuple(row for row in rows if any(_is_inside(path, module) for path in row.modules))
    works = _works_per_step(rows, primitives, merged)
    if merged:
        rows = merge_shapes(rows)
    return tuple(_rate(row, works.get(_group(row, merged)), peaks) for row in rows)


def merge_shapes(rows: Sequence[Operator]) -> tuple[Operator, ...]:
    """One row per operator, whatever its inputs; forward and backward stay separate. Most self time first."""
    groups: dict[Hashable, list[Operator]] = {}
    for row in rows:
        groups.setdefault(_group(row, merged=True), []).append(row)
    merged = [_merge(group) for group in groups.values()]
    return tuple(sorted(merged, key=lambda row: -row.self_ns_per_step))


def find_operator(operators: Operators, key: OperatorKey, backward: bool, merged: bool) -> Operator | None:
    """The operator behind a row; None if it is not among `operators`."""
    if not merged:
        return next((row for row in operators.rows if row.key == key), None)
    same = [row for row in operators.rows if row.key.name == key.name and row.backward == backward]
    return _merge(same) if same else None


def _group(row: Operator, merged: bool) -> Hashable:
    """What the operators of one row have in common."""
    return (row.key.name, row.backward) if merged else row.key


def _merge(group: Sequence[Operator]) -> Operator:
    if len(group) == 1:
        return group[0]
    first = group[0]
    self_ns = sum(row.self_ns_per_step for row in group)
    trends = [(row.trend, row.self_ns_per_step) for row in group if row.trend]
    # A trend is new over old: the old times add up, and so do the new ones.
    before_ns = sum(new_ns / trend for trend, new_ns in trends)
    return Operator(
        OperatorKey(first.key.name, f"{len(group)} shapes", _common(row.key.dtypes for row in group),
                    _common(row.key.memory_format for row in group)),
        sum(row.calls_per_step for row in group), self_ns, sum(row.total_ns_per_step for row in group),
        sum(row.share for row in group), first.backward,
        sum(new_ns for _, new_ns in trends) / before_ns if before_ns else None,
        tuple(dict.fromkeys(path for row in group for path in row.modules)),
        tuple(sorted((stack for row in group for stack in row.stacks), key=lambda stack: -stack.self_ns_per_step)),
    )  # fmt: skip


def _common(values: Iterable[str]) -> str:
    """The value that all share, else an empty text."""
    distinct = set(values)
    return distinct.pop() if len(distinct) == 1 else ""


def _works_per_step(rows: Iterable[Operator], primitives: Primitives, merged: bool) -> dict[Hashable, Work]:
    """The work of each row; missing if that of any of its operators is unknown."""
    works: dict[Hashable, Work] = {}
    unknown: set[Hashable] = set()
    for row in rows:
        work, group = work_per_step(row, primitives), _group(row, merged)
        if work is None:
            unknown.add(group)
        else:
            known = works.get(group, _NO_WORK)
            works[group] = Work(known.flops + work.flops, known.bytes + work.bytes)
    return {group: work for group, work in works.items() if group not in unknown}


def _rate(row: Operator, work: Work | None, peaks: Peaks | None) -> RatedOperator:
    if work is None:
        return RatedOperator(row)
    gflops = work.flops / row.total_ns_per_step if row.total_ns_per_step else None
    point = locate(work, row.total_ns_per_step / 1e6, peaks, row.key.dtypes) if peaks is not None else None
    return RatedOperator(row, gflops, point)


def _is_inside(path: str, module: str) -> bool:
    return path == module or path.startswith(module + ".")
