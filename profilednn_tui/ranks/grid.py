"""Grids of ranks, threads and other values: throughput and factors of each cell, and which one is best."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from profilednn_tui.ranks.efficiency import Estimate, Factors, RunTimes, estimate, factors_of

RANKS, THREADS, BATCH = "ranks", "threads", "batch"
"""Axes that are understood; others only have to be the same."""

Values = Mapping[str, str]
"""Of a cell, by axis."""


@dataclass(frozen=True, slots=True)
class Cell:
    """What the runs of one cell say."""

    name: str
    values: Values
    runs: int
    ranks: int = 0
    threads: int = 0
    step_ns: float = 0.0
    throughput: Estimate | None = None
    """Local batches per second of all ranks together; samples per second if the batch is an axis."""
    factors: Factors | None = None
    """Against one rank with the fewest threads and the same other values; None if the grid has no such cell, or none of
    its runs in the same turn."""
    reason: str = ""
    """Why there is nothing to say, or less than usual."""


@dataclass(frozen=True, slots=True)
class Grid:
    """All cells of an experiment."""

    name: str
    cells: tuple[Cell, ...]
    unit: str
    best: Cell | None
    """With the highest throughput."""
    ties: tuple[str, ...] = ()
    """Cells whose intervals overlap with that of the best."""


@dataclass(frozen=True, slots=True)
class CellRuns:
    """The finished runs of one cell."""

    name: str
    values: Values
    times: Mapping[int, RunTimes]
    """By the turn in which the run was made."""
    reason: str = ""
    """Why there are none."""


def grid_of(name: str, runs: tuple[CellRuns, ...]) -> Grid:
    """What the runs of all cells say."""
    cells = tuple(_cell(one, _reference(one, runs)) for one in runs)
    known = [cell for cell in cells if cell.throughput is not None]
    best = max(known, key=lambda cell: cell.throughput.value if cell.throughput else 0.0, default=None)
    ties = tuple(cell.name for cell in known if cell is not best and _overlap(cell, best))
    unit = "samples/s" if runs and all(BATCH in one.values for one in runs) else "batches/s"
    return Grid(name, cells, unit, best, ties)


def other_ranks(run: RunTimes, values: Values) -> str:
    """Why a run is none of its cell: it had other ranks than wanted; empty if it had not."""
    if values.get(RANKS, str(run.ranks)) == str(run.ranks):
        return ""
    return f"{run.ranks} ranks were seen in a process group of torch.distributed"


def _cell(one: CellRuns, reference: CellRuns | None) -> Cell:
    if not one.times:
        return Cell(one.name, one.values, 0, reason=one.reason)
    times, samples = one.times, int(one.values.get(BATCH, "1"))
    first = next(iter(times.values()))
    reason = next(filter(None, (other_ranks(run, one.values) for run in times.values())), "")
    if reason:
        return Cell(one.name, one.values, 0, reason=reason)
    common = sorted(times.keys() & reference.times.keys()) if reference is not None else []
    factors = None
    if reference is not None and common:
        factors = factors_of([times[turn] for turn in common], [reference.times[turn] for turn in common])
    elif reference is not None:
        reason = f"no efficiency: none of its runs was made in the same turn as one of {reference.name}"
    return Cell(
        one.name,
        one.values,
        len(times),
        first.ranks,
        first.threads,
        sum(run.step_ns for run in times.values()) / len(times),
        estimate([run.ranks * samples * 1e9 / run.step_ns for run in times.values()]),
        factors,
        reason,
    )


def _reference(one: CellRuns, runs: tuple[CellRuns, ...]) -> CellRuns | None:
    """One rank with the fewest threads, and the same other values."""

    def others(runs: CellRuns) -> dict[str, str]:
        return {name: value for name, value in runs.values.items() if name not in (RANKS, THREADS)}

    alike = [other for other in runs if others(other) == others(one) and other.values.get(RANKS, "1") == "1"]
    return min(alike, key=lambda other: int(other.values.get(THREADS, "1")), default=None)


def _overlap(cell: Cell, best: Cell | None) -> bool:
    if cell.throughput is None or best is None or best.throughput is None:
        return False
    return cell.throughput.overlaps(best.throughput)
