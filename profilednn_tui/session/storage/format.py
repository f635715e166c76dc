"""Rows with the columns named in their file's header -> rows with the columns of this version.

A recording outlives the version that wrote it, and a process that an older version attached to keeps writing in its
format. So rows are read by the names in the header, never by position alone.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from profilednn_tui.protocol.events import COLUMNS, Header
from profilednn_tui.protocol.vocabulary import PHASES

FORMAT_1: Mapping[str, tuple[str, ...]] = {
    "steps.rows": (
        "end_unix_ns", "duration_ns", "data_ns", "forward_ns", "loss_ns", "backward_ns", "optimizer_ns", "other_ns",
        "loss", "flags",
    ),
    "window.frames": ("file", "line", "function"),
    "window.nodes": ("parent", "frame"),
    "window.operators": ("name", "input_shapes", "dtypes", "memory_format"),
    "window.modules": ("path", "class", "calls", "forward_ns", "backward_ns", "parent"),
    "window.rows": ("operator", "node", "forward_node", "module", "calls", "self_ns", "total_ns", "backward"),
    "primitives.operators": ("name", "input_shapes", "dtypes", "memory_format"),
    "primitives.rows": ("chain", "log_line", "calls", "time_ns"),
    "threads.rows": ("pid", "tid", "name", "role", "cpu_percent", "voluntary_per_s", "involuntary_per_s", "core"),
    "workers.rows": ("pid", "role", "cpu_percent", "rss_bytes"),
}  # fmt: skip
"""Columns of format 1, whose headers do not name them."""

OTHER = "other_ns"
LOSS = "loss"
PHASE = "phase"
_INDICES = frozenset(
    {"file", "function", "parent", "frame", "input_shapes", "dtypes", "memory_format", "path", "class", "operator",
     "node", "forward_node", "module", "phase", "chain", "log_line", "core"}
)  # fmt: skip
"""Columns in which -1 means "none"."""

Rows = list[list[Any]]


class RowFormat:
    """The columns of one file's rows."""

    def __init__(self, header: Header) -> None:
        written = FORMAT_1 if header.version == 1 else header.columns
        self._changes: dict[str, dict[str, Callable[[Rows], Rows]]] = {}
        for table, ours in COLUMNS.items():
            theirs = tuple(written.get(table, ours))
            phases = tuple(header.phases) if header.version > 1 else PHASES
            if theirs != ours or (PHASE in ours and phases != PHASES):
                kind, _, field = table.partition(".")
                self._changes.setdefault(kind, {})[field] = _change(theirs, ours, phases)

    def translate(self, event: Any) -> Any:
        """The event with its rows ordered as in `COLUMNS`; a `ValueError` for a row shorter than its header."""
        changes = self._changes.get(event.kind)
        if not changes:
            return event
        return replace(event, **{field: change(getattr(event, field)) for field, change in changes.items()})


def _change(theirs: tuple[str, ...], ours: tuple[str, ...], phases: tuple[str, ...]) -> Callable[[Rows], Rows]:
    places = [theirs.index(name) if name in theirs else None for name in ours]
    defaults = [None if name == LOSS else -1 if name in _INDICES else 0 for name in ours]
    # An unknown phase is still part of the step: it is added to the other time, so that the phases add up.
    foreign = [theirs.index(f"{name}_ns") for name in phases if name not in PHASES and f"{name}_ns" in theirs]
    other = ours.index(OTHER) if OTHER in ours else None
    phase = ours.index(PHASE) if PHASE in ours else None
    place_of: dict[Any, int] = {number: PHASES.index(name) for number, name in enumerate(phases) if name in PHASES}

    def change(rows: Rows) -> Rows:
        changed = []
        for row in rows:
            if len(row) < len(theirs):
                raise ValueError(f"a row of {len(row)} fields where the header names {len(theirs)}")
            new = [default if place is None else row[place] for place, default in zip(places, defaults, strict=True)]
            if other is not None:
                new[other] += sum(row[place] for place in foreign)
            if phase is not None:
                new[phase] = place_of.get(new[phase], -1)
            changed.append(new)
        return changed

    return change
