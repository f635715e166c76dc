"""Grids of ranks, threads and other values as text, JSON and Markdown: schema ``profilednn.grid/1``."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from types import MappingProxyType
from typing import Any

from profilednn_tui import units
from profilednn_tui.export.estimates import estimate_document
from profilednn_tui.ranks.efficiency import Estimate
from profilednn_tui.ranks.grid import Cell, Grid
from profilednn_tui.tables import aligned, escape, markdown_table

SCHEMA = "profilednn.grid/1"
_FIGURES = ("runs", "step ms", "throughput", "95 %", "efficiency", "balance", "communication", "threads")


def report_text(grid: Grid) -> str:
    """A table, and which cell is best."""
    rows = [_columns(grid), *map(_row, grid.cells)]
    axes = len(_axes(grid))
    lines = [
        f"{grid.name}: throughput in {grid.unit}",
        "",
        *aligned(rows, range(axes, len(rows[0]))),
        "",
        *_words(grid),
    ]
    return "\n".join(lines) + "\n"


def markdown_text(grid: Grid) -> str:
    """The same in Markdown."""
    table = markdown_table(_columns(grid), map(_row, grid.cells), left=len(_axes(grid)))
    lines = [
        f"## {escape(grid.name)}: throughput in {grid.unit}",
        "",
        *table,
        "",
        *(f"- {escape(word)}" for word in _words(grid)),
    ]
    return "\n".join(lines) + "\n"


def json_text(grid: Grid) -> str:
    """The same as JSON."""
    document = {
        "schema": SCHEMA,
        "name": grid.name,
        "unit": grid.unit,
        "best": grid.best.name if grid.best is not None else None,
        "ties": list(grid.ties),
        "cells": [_document(cell) for cell in grid.cells],
    }
    return json.dumps(document, indent=1) + "\n"


FORMATS: Mapping[str, Callable[[Grid], str]] = MappingProxyType(
    {"text": report_text, "json": json_text, "markdown": markdown_text}
)


def _axes(grid: Grid) -> tuple[str, ...]:
    return tuple(grid.cells[0].values)


def _columns(grid: Grid) -> tuple[str, ...]:
    return (*_axes(grid), *_FIGURES)


def _row(cell: Cell) -> tuple[str, ...]:
    values = tuple(cell.values.values())
    if cell.throughput is None:
        return (*values, "0", *[units.UNKNOWN] * (len(_FIGURES) - 1))
    factors = cell.factors
    shares = [units.UNKNOWN] * 4
    if factors is not None:
        four = factors.efficiency.value, factors.load_balance, factors.communication, factors.threads
        shares = [f"{value:.2f}" for value in four]
    return (
        *values, units.count(cell.runs), units.milliseconds(cell.step_ns), units.rate(cell.throughput.value),
        _interval(cell.throughput), *shares,
    )  # fmt: skip


def _interval(one: Estimate) -> str:
    if one.low is None or one.high is None:
        return units.UNKNOWN
    return f"{units.rate(one.low)} to {units.rate(one.high)}"


def _words(grid: Grid) -> Iterator[str]:
    if grid.best is not None:
        tied = f"; not told apart from {', '.join(grid.ties)}" if grid.ties else ""
        yield f"Best: {grid.best.name}{tied}."
    if any(cell.factors is not None for cell in grid.cells):
        yield (
            "Efficiency is throughput per core against one rank with the fewest threads; it is the product of balance "
            "(mean over largest own work of the ranks), communication (largest own work over the step) and threads."
        )
    yield from (f"{cell.name}: {cell.reason}." for cell in grid.cells if cell.reason)


def _document(cell: Cell) -> dict[str, Any]:
    factors = cell.factors
    return {
        "name": cell.name,
        "values": dict(cell.values),
        "runs": cell.runs,
        "ranks": cell.ranks,
        "threads": cell.threads,
        "step_ms": cell.step_ns / 1e6 if cell.throughput else None,
        "throughput": estimate_document(cell.throughput),
        "efficiency": estimate_document(factors.efficiency) if factors else None,
        "load_balance": factors.load_balance if factors else None,
        "communication": factors.communication if factors else None,
        "thread_efficiency": factors.threads if factors else None,
        "reason": cell.reason,
    }
