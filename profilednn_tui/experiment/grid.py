"""Grids of ranks, threads and other values: a variant for each cell, and its finished runs."""

from __future__ import annotations

import itertools
import math
import re
from collections.abc import Mapping, Sequence

from profilednn_tui import units
from profilednn_tui.errors import ProfilerError
from profilednn_tui.experiment.plan import Recorded, RunState
from profilednn_tui.experiment.sides import read_entry
from profilednn_tui.experiment.variants import Variant
from profilednn_tui.ranks.efficiency import RunTimes, run_times
from profilednn_tui.ranks.grid import BATCH, RANKS, THREADS, CellRuns, Grid, grid_of
from profilednn_tui.ranks.launchers import filled

THREADS_VARIABLE = "OMP_NUM_THREADS"
MOST_CELLS = 64
_AXIS = re.compile(r"([a-z_][a-z0-9_]*)=(.+)", re.IGNORECASE)

Axes = Mapping[str, tuple[str, ...]]


def parse_axes(texts: Sequence[str]) -> dict[str, tuple[str, ...]]:
    """``ranks=1,2`` and so on; raises a `ProfilerError`."""
    axes: dict[str, tuple[str, ...]] = {}
    for text in texts:
        found = _AXIS.fullmatch(text)
        values = tuple(filter(None, (value.strip() for value in found[2].split(",")))) if found else ()
        if found is None or not values:
            raise ProfilerError(f"{text} is not an axis of a grid. Write NAME=VALUE,VALUE, such as ranks=1,2.")
        name = found[1].lower()
        numbers = name in (RANKS, THREADS, BATCH)
        if numbers and not all(value.isascii() and value.isdecimal() and int(value) for value in values):
            raise ProfilerError(f"{text}: {name} are whole numbers from 1 on.")
        if name in axes:
            raise ProfilerError(f"The axis {name} is given twice. Put all its values into one: {name}=1,2,4.")
        axes[name] = tuple(dict.fromkeys(values))
    return axes


def grid_variants(axes: Axes, words: Sequence[str], cores: int) -> tuple[tuple[Variant, ...], tuple[str, ...]]:
    """A variant for each cell, and the names of those that need more cores than there are.

    Raises a `ProfilerError` if the command does not say where a value goes.
    """
    for name in axes:
        if name not in (RANKS, THREADS) and not any(f"{{{name}}}" in word for word in words):
            raise ProfilerError(f"Nothing in the command takes {name}. Write {{{name}}} where its value goes.")
    cells = math.prod(map(len, axes.values()))
    if cells > MOST_CELLS:
        raise ProfilerError(f"The grid has {units.count(cells)} cells, and {MOST_CELLS} are the most.")
    variants, too_large = [], []
    for combination in itertools.product(*axes.values()):
        values = dict(zip(axes, combination, strict=True))
        name = re.sub(r"[^\w.+-]", "_", "-".join(f"{axis}{value}" for axis, value in values.items()))
        needed = int(values.get(RANKS, "1")) * int(values.get(THREADS, "1"))
        if needed > cores:
            too_large.append(name)
            continue
        environment = {THREADS_VARIABLE: values[THREADS]} if THREADS in values else {}
        variants.append(Variant(name, (), environment, values=values))
        filled(words, values)  # raises if the number of ranks has no place
    if not variants:
        raise ProfilerError(
            f"Every cell needs more than the {units.count(cores)} cores that there are. Take smaller ones."
        )
    return tuple(variants), tuple(too_large)


def read_grid(recorded: Recorded) -> Grid:
    """What the finished runs of a grid say."""
    experiment = recorded.experiment
    runs = (
        CellRuns(variant.name, variant.values, _times(recorded, variant.name), _reason(recorded, variant.name))
        for variant in experiment.variants
    )
    return grid_of(experiment.name, tuple(runs))


def _times(recorded: Recorded, variant: str) -> dict[int, RunTimes]:
    """By block."""
    found = {}
    for entry in recorded.experiment.runs_of(variant):
        if entry.state is RunState.DONE:
            times = run_times(read_entry(recorded, entry).view)
            if times is not None:
                found[entry.block] = times
    return found


def _reason(recorded: Recorded, variant: str) -> str:
    entries = [entry for entry in recorded.experiment.runs_of(variant) if entry.state is not RunState.DONE]
    return f"{entries[-1].state.value}: {entries[-1].reason}" if entries else "no run with enough plain steps"
