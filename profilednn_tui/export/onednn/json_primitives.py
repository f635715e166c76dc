"""Logs and comparisons as JSON. Times are in the unit that the key names."""

from __future__ import annotations

import json
from typing import Any

from profilednn_tui.onednn.breakdown import configuration, layout
from profilednn_tui.onednn.compare import Delta, LogComparison
from profilednn_tui.onednn.records import PrimitiveLog, PrimitiveUse


def primitives_json(log: PrimitiveLog) -> str:
    """The log, one line per primitive."""
    entries = ",\n".join(json.dumps(primitive_entry(use, log.time_ms), ensure_ascii=False) for use in log.uses)
    rest = {
        "bad_lines": log.bad_lines,
        "lines": log.lines,
        "calls": log.calls,
        "time_ms": log.time_ms,
        "versions": list(log.versions),
        "damage": list(log.damage),
    }
    return '{"primitives": [\n' + entries + "\n],\n" + json.dumps(rest, ensure_ascii=False)[1:] + "\n"


def primitive_entry(use: PrimitiveUse, time_ms: float) -> dict[str, Any]:
    """A distinct primitive as plain values; `time_ms` is the total of all primitives."""
    primitive, execution = use.primitive, use.execution
    return {
        "primitive": primitive.name,
        "direction": primitive.direction,
        "implementation": primitive.implementation,
        "problem": primitive.problem,
        "calls": execution.count,
        "time_ms": execution.total_ms,
        "share": execution.total_ms / time_ms if time_ms else 0.0,
        "mean_ms": execution.mean_ms,
        "min_ms": execution.least_ms if execution.count else None,
        "max_ms": execution.most_ms if execution.count else None,
        "data_types": configuration(primitive),
        "layouts": layout(primitive),
        "propagation": primitive.propagation,
        "descriptors": primitive.descriptors,
        "attributes": primitive.attributes,
        "auxiliary": primitive.auxiliary,
        "engine": primitive.engine,
        "created": use.creation.count,
        "create_ms": use.creation.total_ms,
        "cached": use.cached.count,
        "reorder": primitive.is_reorder,
        "reference": primitive.is_reference,
    }


def comparison_json(comparison: LogComparison) -> str:
    """The comparison: `directions` by primitive and direction, the other lists by problem."""
    body = {
        "work": comparison.work,
        "reference_time_ms": comparison.reference.time_ms,
        "time_ms": comparison.other.time_ms,
        "directions": _entries(comparison.directions),
        "missing": _entries(comparison.missing),
        "extra": _entries(comparison.extra),
        "more_backward": _entries(comparison.more_backward),
        "less_backward": _entries(comparison.less_backward),
    }
    return json.dumps(body, ensure_ascii=False, indent=1) + "\n"


def _entries(deltas: tuple[Delta, ...]) -> list[dict[str, Any]]:
    return [
        {
            "primitive": delta.label[0],
            "direction": delta.label[1],
            **({"problem": delta.label[2]} if len(delta.label) > 2 else {}),
            "reference_calls": delta.reference.execution.count if delta.reference else 0,
            "calls": delta.other.execution.count if delta.other else 0,
            "calls_delta": delta.calls_delta,
            "reference_time_ms": delta.reference.execution.total_ms if delta.reference else 0.0,
            "time_ms": delta.other.execution.total_ms if delta.other else 0.0,
            "reference_share": delta.reference.share if delta.reference else 0.0,
            "share": delta.other.share if delta.other else 0.0,
            "share_delta": delta.share_delta,
        }
        for delta in deltas
    ]
