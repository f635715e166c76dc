"""What an event may hold before anybody works with it: rows of the types and widths that `COLUMNS` says, and bounds.

The bounds are far above what an agent or a host writes. They keep what somebody made up, a few kilobytes of it, from
taking gigabytes of memory here.
"""

from __future__ import annotations

from collections.abc import Mapping
from math import isfinite
from typing import Annotated, Any, Literal

import msgspec

from profilednn_tui.protocol.events import (
    COLUMNS,
    AttachedEvent,
    CoresEvent,
    HelloEvent,
    MachineEvent,
    OptimizationEvent,
    StatusEvent,
    WindowEvent,
)

LINE_BYTES = 8 * 1024 * 1024
"""What is longer is no line of ours: a window of 6,000 rows has some hundred kilobytes."""
BRACKETS = 500_000
"""Lists and objects of a line: an empty list has three bytes there, and sixty here."""
TEXT_LENGTH = 50_000
"""Characters of one text; the input shapes of an optimizer's operator may be long."""
ITEMS = 200_000
"""Of one table."""
CORES = 8_192
"""Of a machine; also of what has one entry for each."""
SHORT_WINDOW = 2_000
"""Nodes with which a tree of calls cannot be large, however it is shaped."""
DEPTHS = 2_000_000
"""Sum of the depths of a window's call tree: each node is kept with all that is above it."""
WIDE_TEXTS = 20_000_000
"""Characters of all operators and modules of a window together, whose texts may be shared."""
LARGEST = 1e18
"""Of percentages and rates; an agent's account of itself may hold what is no number."""
OFTEN: Mapping[type[Any], int] = {HelloEvent: 100, OptimizationEvent: 1_000, AttachedEvent: 1_000}
"""Events that are kept each, and how many of them a recording may have."""

Integer = Annotated[int, msgspec.Meta(ge=-(2**63), le=2**63 - 1)]
"""Every number of ours is one of 64 bits."""

_Figure = Annotated[float, msgspec.Meta(ge=-LARGEST, le=LARGEST)]

_TYPES: Mapping[str, Any] = {
    "name": str,
    "role": str,
    "loss": float | Literal["nan", "inf", "-inf"] | None,
}
_INTEGER_TABLES = ("window.", "primitives.")
_STANDS = list[tuple[Integer, Integer, Integer, bool, bool, list[Integer]]]


def _rows(table: str, columns: tuple[str, ...]) -> Any:
    def kind(column: str) -> Any:
        if table.startswith(_INTEGER_TABLES):
            return Integer
        return _Figure if column.endswith(("_percent", "_per_s")) else _TYPES.get(column, Integer)

    return list[tuple[tuple(map(kind, columns))]]  # type: ignore[misc]


_TABLES: dict[str, dict[str, Any]] = {}
for _table, _columns in COLUMNS.items():
    _kind, _, _field = _table.partition(".")
    _TABLES.setdefault(_kind, {})[_field] = _rows(_table, _columns)
_TABLES["stacks"] = {"threads": _STANDS}


def check(event: Any) -> None:
    """A `ValueError` (also msgspec's) for an event that nobody of us has written."""
    for name, value in vars(event).items():
        if isinstance(value, list):
            _check_list(name, value)
        elif isinstance(value, str):
            _check_text(name, value)
        elif type(value) is int:
            msgspec.convert(value, Integer)
        elif isinstance(value, float) and (isfinite(value) or not isinstance(event, StatusEvent)):
            _check_floats(name, [value])
    for name, rows in _TABLES.get(event.kind, {}).items():
        msgspec.convert(getattr(event, name), rows)
    if isinstance(event, WindowEvent):
        _check_window(event)
    elif isinstance(event, CoresEvent | MachineEvent):
        _check_cores(event)


def _check_list(name: str, items: list[Any]) -> None:
    if len(items) > ITEMS:
        raise ValueError(f"{len(items)} {name}")
    if items and isinstance(items[0], float):
        _check_floats(name, items)
    if items and isinstance(items[0], str) and max(map(len, items)) > TEXT_LENGTH:
        raise ValueError(f"{name} with a text of {max(map(len, items))} characters")


def _check_floats(name: str, values: list[float]) -> None:
    if not all(abs(value) <= LARGEST for value in values):
        raise ValueError(f"{name} beyond all measures")


def _check_text(name: str, text: str) -> None:
    if len(text) > TEXT_LENGTH:
        raise ValueError(f"{name} with a text of {len(text)} characters")


def _check_cores(event: CoresEvent | MachineEvent) -> None:
    counts = [event.cores] if isinstance(event, MachineEvent) else []
    counts += [len(value) for value in vars(event).values() if isinstance(value, list)]
    if max(counts) > CORES:
        raise ValueError(f"a machine of {max(counts)} cores")


def _check_window(event: WindowEvent) -> None:
    strings = event.strings
    shared = [index for row in event.operators for index in row[:4]]
    shared += [index for row in event.modules for index in row[:2]]
    if sum(len(strings[index]) for index in shared if 0 <= index < len(strings)) > WIDE_TEXTS:
        raise ValueError("a window of texts without end")
    if len(event.nodes) > SHORT_WINDOW and _depths([row[0] for row in event.nodes]) > DEPTHS:
        raise ValueError("a call tree without end")
    if len(event.modules) > SHORT_WINDOW and _depths([row[5] for row in event.modules]) > DEPTHS:
        raise ValueError("a module tree without end")


def _depths(parents: list[int]) -> int:
    """The sum of all depths of a tree, whose nodes come after their parents in what an agent writes."""
    depths = [0] * (len(parents) + 1)  # the last one is that of the parent -1
    for node, parent in enumerate(parents):
        if not -1 <= parent < node:
            return sum(range(len(parents)))  # as deep as it can be
        depths[node] = depths[parent] + 1
    return sum(depths)
