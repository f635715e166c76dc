"""The use of the processor cores, one by one or as a heat map."""

from __future__ import annotations

from profilednn_tui import units
from profilednn_tui.session.view import Core, Cores, Machine
from profilednn_tui.tui.renderables.bars import stacked_bar
from profilednn_tui.tui.renderables.line import Line, Span, clip_line, merge, wrap
from profilednn_tui.tui.renderables.sparkline import BLOCKS, area, blocks

_LEAST_BAR = 8
_GROUP = 8
"""Cores per group in the heat map."""
_LABEL = 4
_VALUE = 5
_ROOM_FOR_HISTORY = 50


def cores_lines(cores: Cores, machine: Machine, width: int, height: int) -> tuple[Line, ...]:
    """Totals, one bar per core if there is room, else a heat map; then the history of the target's use."""
    if not cores.cores:
        return ((("No sample yet.", "muted"),),)
    warning = wrap(cores.contention, width, "warning") if cores.contention else ()
    lines = [_totals(cores, width), *warning[: max(0, height - 2)]]
    room = height - len(lines)
    bars = _bars(cores.cores, width, room)
    lines += bars or _heat_map(cores.cores, width, room)
    room = height - len(lines)
    if room >= 3 and len(cores.target_history) > 1:
        lines += _history(cores, machine, width, min(room, 8))
    return tuple(lines[:height])


def _totals(cores: Cores, width: int) -> Line:
    spans: list[Span] = [
        ("━ ", "primary"), ("target ", "muted"), (units.percent(cores.target_percent).ljust(8), ""),
        ("━ ", "warning"), ("others ", "muted"), (units.percent(cores.others_percent).ljust(6), ""),
    ]  # fmt: skip
    if cores.throttled_percent >= 0.5:
        spans += [(" throttled ", "muted"), (units.percent(cores.throttled_percent), "warning")]
    elif width >= 44 and any(core.steal >= 0.5 for core in cores.cores):
        spans += [(" ━ ", "error"), ("steal", "muted")]
    return clip_line(tuple(spans), width)


def _bars(cores: tuple[Core, ...], width: int, height: int) -> list[Line]:
    """One bar per core in one or more columns; empty if they do not fit."""
    if height < 1:
        return []
    columns = -(-len(cores) // height)
    cell = (width - 2 * (columns - 1)) // columns
    if cell < _LABEL + _LEAST_BAR + _VALUE or -(-len(cores) // columns) > height:
        return []
    rows = -(-len(cores) // columns)
    lines = []
    for row in range(rows):
        spans: list[Span] = []
        for core in cores[row::rows]:
            spans += [*([("  ", "")] if spans else []), *_core(core, cell)]
        lines.append(merge(spans))
    return lines


def _core(core: Core, width: int) -> Line:
    busy = min(100.0, core.target + core.others + core.steal)
    history = ""
    if width >= _ROOM_FOR_HISTORY:
        history = " " + blocks(core.history, width // 2 - 1, 100.0)
        width -= len(history)
    parts = ((core.target / 100, "primary"), (core.others / 100, "warning"), (core.steal / 100, "error"))
    label_role = "muted" if core.allowed else "faint"
    bar = stacked_bar(parts, width - _LABEL - _VALUE, "track")
    value = (f"{busy:>4.0f} ", "" if core.allowed else "faint")
    return ((f"{core.index:>3} ", label_role), *bar, value, (history, "muted"))


def _heat_map(cores: tuple[Core, ...], width: int, height: int) -> list[Line]:
    """One block per core, its height for the use, its colour for target or others; rows start with the first core's
    number."""
    each_row = max(1, (width - _LABEL + 1) // (_GROUP + 1)) * _GROUP
    lines = []
    for start in range(0, len(cores), each_row):
        spans: list[Span] = [(f"{cores[start].index:>3} ", "muted")]
        for index, core in enumerate(cores[start : start + each_row]):
            spans += [(" ", "")] if index and index % _GROUP == 0 else []
            spans.append(_heat(core))
        lines.append(merge(spans))
    return lines[: max(1, height)]


def _heat(core: Core) -> Span:
    busy = min(100.0, core.target + core.others + core.steal)
    if busy < 1:
        return "·", "faint"
    _, role = max((core.target, "primary"), (core.others, "warning"), (core.steal, "error"))
    return BLOCKS[min(7, int(busy / 100 * 8))], role


def _history(cores: Cores, machine: Machine, width: int, height: int) -> list[Line]:
    """The target's use of all the cores it may run on, over time."""
    allowed = machine.quota or machine.affinity or len(cores.cores)
    graph = area(cores.target_history, width - 6, height - 1, allowed * 100.0)
    labels = [units.count(allowed * 100).replace(",", "")] + [""] * (height - 2)
    lines: list[Line] = [(("", ""),)]
    lines += [((f"{label:>5} ", "muted"), (line, "primary")) for label, line in zip(labels, graph, strict=True)]
    return lines


def title_note(cores: Cores, machine: Machine) -> str:
    """``4 cores``, ``4 of 16 cores, quota 2.5``"""
    if not cores.cores:
        return ""
    total = len(cores.cores)
    allowed = sum(core.allowed for core in cores.cores)
    text = f"{total} cores" if allowed == total else f"{allowed} of {total} cores"
    return text + (f" · quota {machine.quota:g}" if machine.quota else "")
