"""Checks of an event before it is used: rows of the types and widths in `COLUMNS`, and bounds.

The bounds are far above what an agent or a host writes. They keep a few kilobytes of forged recording from taking
gigabytes of memory here.
"""

from __future__ import annotations

from collections.abc import Mapping
from math import isfinite
from typing import Annotated, Any, Literal

import msgspec

from profilednn_tui.protocol.events import (
    COLUMNS,
    AffinityEvent,
    AttachedEvent,
    CoresEvent,
    HelloEvent,
    MachineEvent,
    OptimizationEvent,
    ParametersEvent,
    StatusEvent,
    WindowEvent,
)

LINE_BYTES = 8 * 1024 * 1024
"""Our lines are never longer: a window of 6,000 rows has some hundred kilobytes."""
BRACKETS = 500_000
"""Lists and objects per line: an empty list has three bytes there, and sixty in memory."""
TEXT_LENGTH = 50_000
"""Characters per text; the input shapes of an optimizer's operator may be long."""
ITEMS = 200_000
"""Per table."""
CORES = 8_192
"""Per machine; also the limit of lists with one entry per core."""
SHORT_WINDOW = 2_000
"""Up to this many nodes, a call tree cannot be large, whatever its shape."""
DEPTHS = 2_000_000
"""Sum of the depths of a window's call tree: each node is kept with all its ancestors."""
WIDE_TEXTS = 20_000_000
"""Total characters of all operators and modules of a window, whose texts may be shared."""
LARGEST = 1e18
"""Bound on percentages and rates; an agent's status may also contain non-finite values."""
OFTEN: Mapping[type[Any], int] = {HelloEvent: 100, OptimizationEvent: 1_000, AttachedEvent: 1_000, ParametersEvent: 100}
"""Events that are kept individually, and how many of them a recording may have."""

Integer = Annotated[int, msgspec.Meta(ge=-(2**63), le=2**63 - 1)]
"""All our integers have 64 bits."""

_Figure = Annotated[float, msgspec.Meta(ge=-LARGEST, le=LARGEST)]

_Number = float | Literal["nan", "inf", "-inf"] | None
_TYPES: Mapping[str, Any] = {
    "name": str,
    "role": str,
    "dataset": str,
    "source_file": str,
    "loss": _Number,
    "gradient_norm": _Number,
    "movement": _Number,
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
    """Raise a `ValueError` (or msgspec's) for an event that neither an agent nor a host would write."""
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
    elif isinstance(event, CoresEvent | MachineEvent | AffinityEvent):
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
        raise ValueError(f"{name} out of range")


def _check_text(name: str, text: str) -> None:
    if len(text) > TEXT_LENGTH:
        raise ValueError(f"{name} with a text of {len(text)} characters")


def _check_cores(event: CoresEvent | MachineEvent | AffinityEvent) -> None:
    counts = [event.cores] if isinstance(event, MachineEvent) else []
    counts += [len(value) for value in vars(event).values() if isinstance(value, list)]
    if max(counts) > CORES:
        raise ValueError(f"a machine of {max(counts)} cores")


def _check_window(event: WindowEvent) -> None:
    strings = event.strings
    shared = [index for row in event.operators for index in row[:4]]
    shared += [index for row in event.modules for index in row[:2]]
    if sum(len(strings[index]) for index in shared if 0 <= index < len(strings)) > WIDE_TEXTS:
        raise ValueError("a window with too much text")
    if len(event.nodes) > SHORT_WINDOW and _depths([row[0] for row in event.nodes]) > DEPTHS:
        raise ValueError("a call tree that is too deep")
    if len(event.modules) > SHORT_WINDOW and _depths([row[5] for row in event.modules]) > DEPTHS:
        raise ValueError("a module tree that is too deep")


def _depths(parents: list[int]) -> int:
    """The sum of all depths of a tree; agents write nodes after their parents."""
    depths = [0] * (len(parents) + 1)  # the last one is that of the parent -1
    for node, parent in enumerate(parents):
        if not -1 <= parent < node:
            return sum(range(len(parents)))  # the largest possible sum
        depths[node] = depths[parent] + 1
    return sum(depths)
