"""Operators as table rows: of one module, with merged shapes, with their achieved rates. Pure functions."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping, Sequence, Set
from dataclasses import dataclass, replace

from profilednn_tui.onednn.roofline import Peaks, RooflinePoint, locate
from profilednn_tui.onednn.work import Work
from profilednn_tui.session.model.work import work_per_step
from profilednn_tui.session.view import Module, Operator, OperatorKey, Operators, Primitives

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
    """All operators, or the part of each that ran in a module or below it; with `merged`, one row per operator for all
    shapes.

    A merged row has a rate only if the work of all its operators is known.
    """
    rows = operators.rows
    works = {row.key: work_per_step(row, primitives) for row in rows}
    if module:
        calls = {row.key: row.calls_per_step for row in rows}
        rows = operators_in(operators, module)
        works = {row.key: _part(works[row.key], row.calls_per_step / (calls[row.key] or 1)) for row in rows}
    works_of_rows = _works_per_step(rows, works, merged)
    if merged:
        rows = merge_shapes(rows)
    return tuple(_rate(row, works_of_rows.get(_group(row, merged)), peaks) for row in rows)


def operators_in(operators: Operators, module: str) -> tuple[Operator, ...]:
    """The part of each operator that ran in a module or below it, most self time first."""
    paths = _subtree(operators.modules, module)
    parts = [_in_modules(row, paths, operators.self_ns_per_step) for row in operators.rows]
    return tuple(sorted(filter(None, parts), key=lambda row: -row.self_ns_per_step))


def _subtree(modules: Sequence[Module], path: str) -> frozenset[str]:
    """The path of a module and of all below it; a root's name is not part of the paths below it."""
    paths, above = {path}, -1
    for module in modules:
        if above >= 0 and module.depth <= above:
            above = -1
        if above >= 0:
            paths.add(module.path)
        elif module.path == path:
            above = module.depth
    return frozenset(paths)


def _in_modules(row: Operator, paths: Set[str], whole_ns: float) -> Operator | None:
    """What the call sites in some modules add up to; trend and history of that part are not known."""
    if paths.isdisjoint(row.modules):
        return None
    stacks = tuple(stack for stack in row.stacks if stack.module in paths)
    calls = sum(stack.calls_per_step for stack in stacks)
    if not calls:
        return None
    if len(stacks) == len(row.stacks):
        return row
    self_ns = sum(stack.self_ns_per_step for stack in stacks)
    return replace(
        row,
        calls_per_step=calls,
        self_ns_per_step=self_ns,
        total_ns_per_step=sum(stack.total_ns_per_step for stack in stacks),
        share=self_ns / whole_ns if whole_ns else 0.0,
        trend=None,
        history=(),
        modules=tuple(path for path in row.modules if path in paths),
        stacks=stacks,
    )


def _part(work: Work | None, fraction: float) -> Work | None:
    return None if work is None else Work(work.flops * fraction, work.bytes * fraction)


def merge_shapes(rows: Sequence[Operator]) -> tuple[Operator, ...]:
    """One row per operator, whatever its inputs; forward and backward stay separate. Most self time first."""
    groups: dict[Hashable, list[Operator]] = {}
    for row in rows:
        groups.setdefault(_group(row, merged=True), []).append(row)
    merged = [_merge(group) for group in groups.values()]
    return tuple(sorted(merged, key=lambda row: -row.self_ns_per_step))


def find_operator(
    operators: Operators, key: OperatorKey, backward: bool, merged: bool, module: str | None = None
) -> Operator | None:
    """The operator behind a row, or its part in a module; None if it is not among `operators`."""
    rows = operators_in(operators, module) if module else operators.rows
    if not merged:
        return next((row for row in rows if row.key == key), None)
    same = [row for row in rows if row.key.name == key.name and row.backward == backward]
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
        max(group, key=lambda row: row.self_ns_per_step).phase,
        tuple(map(_sum, zip(*(row.history for row in group), strict=False))),  # empty if that of one is unknown
    )  # fmt: skip


def _sum(values: Sequence[int | None]) -> int | None:
    """The sum, unless one is not known."""
    known = [value for value in values if value is not None]
    return sum(known) if len(known) == len(values) else None


def _common(values: Iterable[str]) -> str:
    """The value that all share, else an empty text."""
    distinct = set(values)
    return distinct.pop() if len(distinct) == 1 else ""


def _works_per_step(
    rows: Iterable[Operator], of_operators: Mapping[OperatorKey, Work | None], merged: bool
) -> dict[Hashable, Work]:
    """The work of each row; missing if that of any of its operators is unknown."""
    works: dict[Hashable, Work] = {}
    unknown: set[Hashable] = set()
    for row in rows:
        work, group = of_operators[row.key], _group(row, merged)
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
