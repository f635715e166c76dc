"""Table rows, shared by the terminal and Markdown formats."""

from __future__ import annotations

from collections.abc import Iterable

from profilednn_tui import units
from profilednn_tui.export.onednn.facts import milliseconds, note, state
from profilednn_tui.onednn.breakdown import COLUMNS, By, Group
from profilednn_tui.onednn.compare import Delta
from profilednn_tui.onednn.problem import compact

GROUP_FIGURES = ("time ms", "share", "calls", "mean ms", "created", "cached", "")
DIRECTION_DELTA_COLUMNS = (
    *COLUMNS[By.DIRECTION],
    "calls",
    "reference",
    "calls diff",
    "share",
    "reference",
    "share diff",
    "",
)
SHAPE_DELTA_COLUMNS = (*COLUMNS[By.SHAPE], "calls", "reference", "calls diff", "time ms", "reference ms")


def group_row(group: Group) -> tuple[str, ...]:
    """A row under `COLUMNS` and `GROUP_FIGURES`."""
    return (
        *map(compact, group.label),
        milliseconds(group.execution.total_ms),
        units.share(group.share),
        units.count(group.execution.count),
        milliseconds(group.execution.mean_ms),
        units.count(group.creation.count),
        units.count(group.cached.count),
        note(group),
    )


def direction_rows(deltas: Iterable[Delta]) -> list[tuple[str, ...]]:
    """Rows under `DIRECTION_DELTA_COLUMNS`."""
    return [
        (
            *delta.label,
            units.count(delta.other.execution.count if delta.other else 0),
            units.count(delta.reference.execution.count if delta.reference else 0),
            f"{delta.calls_delta:+.0f}",
            units.share(delta.other.share if delta.other else 0.0),
            units.share(delta.reference.share if delta.reference else 0.0),
            f"{delta.share_delta * 100:+.1f} %",
            state(delta),
        )
        for delta in deltas
    ]


def shape_rows(deltas: Iterable[Delta]) -> list[tuple[str, ...]]:
    """Rows under `SHAPE_DELTA_COLUMNS`."""
    return [
        (
            *map(compact, delta.label),
            units.count(delta.other.execution.count if delta.other else 0),
            units.count(delta.reference.execution.count if delta.reference else 0),
            f"{delta.calls_delta:+.0f}",
            milliseconds(delta.other.execution.total_ms if delta.other else None),
            milliseconds(delta.reference.execution.total_ms if delta.reference else None),
        )
        for delta in deltas
    ]
