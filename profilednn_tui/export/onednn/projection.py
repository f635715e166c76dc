"""Projections as text and as JSON."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator

from profilednn_tui import units
from profilednn_tui.export.onednn.facts import duration, milliseconds
from profilednn_tui.onednn.breakdown import configuration, layout
from profilednn_tui.onednn.problem import compact
from profilednn_tui.project.projection import ProjectedPrimitive, Projection
from profilednn_tui.tables import aligned

TOP_ROWS = 12
_FIGURES = ("calls", "observed ms", "projected ms", "ratio", "warm ms", "cold ms")


def projection_lines(projection: Projection) -> Iterator[str]:
    """The totals, then each primitive and direction, then the largest primitives."""
    yield from projection_facts(projection)
    yield ""
    groups: dict[tuple[str, str], list[ProjectedPrimitive]] = {}
    for row in projection.rows:
        groups.setdefault((row.primitive.name, row.primitive.direction), []).append(row)
    ordered = sorted(groups.items(), key=lambda group: -_sum(group[1], lambda row: row.observed_ms))
    rows = [(*label, *_figures(members)) for label, members in ordered]
    yield from aligned([("PRIMITIVE", "DIRECTION", *_FIGURES), *rows], range(2, 8))
    yield ""
    top = projection.rows[:TOP_ROWS]
    rows = [
        (f"{row.primitive.name} {row.primitive.direction}".strip(), compact(row.primitive.problem), *_figures([row]))
        for row in top
    ]
    yield from aligned([("PRIMITIVE", "SHAPE", *_FIGURES), *rows], range(2, 8))
    if len(projection.rows) > len(top):
        yield f"... and {len(projection.rows) - len(top):,} more: --json has all"


def projection_facts(projection: Projection) -> Iterator[str]:
    """The main facts."""
    if projection.contention is not None:
        yield f"Warning: {projection.contention}"
    covered = projection.covered_ms / projection.observed_ms if projection.observed_ms else 0.0
    whole = projection.projected
    yield (
        f"Observed {duration(projection.covered_ms)} in {len(projection.rows):,} primitives that ran again "
        f"({units.share(covered)} of oneDNN's time; {len(projection.missing):,} did not)"
    )
    yield (
        f"Projected {duration(whole.median_ms)} (95 % interval {duration(whole.low_ms)} to {duration(whole.high_ms)}, "
        f"{projection.rounds} rounds); warm {duration(projection.warm_ms)}, cold {duration(projection.cold_ms)}"
    )
    others = sum(row.here != row.primitive.implementation for row in projection.rows)
    if others:
        yield f"{others:,} of them ran with another implementation here; --json has both"
    if projection.efficiency is not None and projection.error is not None:
        yield (
            f"Efficiency {units.ratio(projection.efficiency)} of the observed time; "
            f"the projection is {projection.error * 100:+.1f} % off"
        )


def projection_json(projection: Projection) -> str:
    """All figures; times are totals over all calls, those in `primitives` per call."""
    whole = projection.projected
    body = {
        "observed_ms": projection.observed_ms,
        "covered_ms": projection.covered_ms,
        "projected_ms": whole.median_ms,
        "projected_interval_ms": [whole.low_ms, whole.high_ms],
        "warm_ms": projection.warm_ms,
        "cold_ms": projection.cold_ms,
        "efficiency": projection.efficiency,
        "rounds": projection.rounds,
        "contention": projection.contention,
        "primitives": [
            {
                "primitive": row.primitive.name,
                "direction": row.primitive.direction,
                "implementation": row.primitive.implementation,
                "implementation_here": row.here,
                "problem": row.primitive.problem,
                "data_types": configuration(row.primitive),
                "layouts": layout(row.primitive),
                "calls": row.calls,
                "observed_ms": row.observed_ms,
                "projected_ms": row.in_turn.median_ms,
                "projected_interval_ms": [row.in_turn.low_ms, row.in_turn.high_ms],
                "warm_ms": row.warm_ms,
                "cold_ms": row.cold_ms,
            }
            for row in projection.rows
        ],
        "missing": [
            {"primitive": one.name, "direction": one.direction, "problem": one.problem} for one in projection.missing
        ],
    }
    return json.dumps(body, ensure_ascii=False, indent=1) + "\n"


def _figures(rows: list[ProjectedPrimitive]) -> tuple[str, ...]:
    observed = _sum(rows, lambda row: row.observed_ms)
    projected = _sum(rows, lambda row: row.in_turn.median_ms)
    return (
        units.count(sum(row.calls for row in rows)),
        milliseconds(observed),
        milliseconds(projected),
        units.ratio(projected / observed if observed else None),
        milliseconds(_sum(rows, lambda row: row.in_turn.median_ms if row.warm_ms is None else row.warm_ms)),
        milliseconds(_sum(rows, lambda row: row.in_turn.median_ms if row.cold_ms is None else row.cold_ms)),
    )


def _sum(rows: Iterable[ProjectedPrimitive], one_call: Callable[[ProjectedPrimitive], float]) -> float:
    return sum(one_call(row) * row.calls for row in rows)
