"""The use of the processor cores, one by one or as a heat map."""

from __future__ import annotations

from profilednn_tui import units
from profilednn_tui.session.view import Core, Cores, Machine
from profilednn_tui.tui.present.over_time import Curve, curve_lines, interval_ns, time_ticks
from profilednn_tui.tui.renderables.bars import stacked_bar
from profilednn_tui.tui.renderables.line import Line, Span, clip_line, fit_line, merge, wrap
from profilednn_tui.tui.renderables.scale import axis
from profilednn_tui.tui.renderables.sparkline import BLOCKS, blocks

_LEAST_BAR = 8
_GROUP = 8
"""Cores per group in the heat map."""
_LABEL = 4
_VALUE = 5
_ROOM_FOR_HISTORY = 50
_ROOM_FOR_A_BLANK = 5
_MOST_HISTORY = 8
"""Lines of the history, with its axis."""


def cores_lines(cores: Cores, machine: Machine, width: int, height: int) -> tuple[Line, ...]:
    """Totals, one bar per core if there is room, else a heat map; then the history of the target's use."""
    if not cores.cores:
        return ((("No sample yet.", "muted"),),)
    warning = wrap(cores.contention, width, "warning") if cores.contention else ()
    lines = [_totals(cores, width), *warning[: max(0, height - 2)]]
    room = height - len(lines)
    lines += _bars(cores, width, room) or _heat_map(cores.cores, width, room)
    room = height - len(lines)
    if room >= 3 and len(cores.history_unix_ns) > 1:
        lines += [()] if room >= _ROOM_FOR_A_BLANK else []
        lines += _history(cores, machine, width, min(height - len(lines), _MOST_HISTORY))
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


def _bars(cores: Cores, width: int, height: int) -> list[Line]:
    """One bar per core in one or more columns, with its history if there is room; empty if they do not fit."""
    if height < 1:
        return []
    columns = -(-len(cores.cores) // height)
    cell = (width - 2 * (columns - 1)) // columns
    if cell < _LABEL + _LEAST_BAR + _VALUE or -(-len(cores.cores) // columns) > height:
        return []
    rows = -(-len(cores.cores) // columns)
    history = cell // 2 - 1 if cell >= _ROOM_FOR_HISTORY else 0
    lines = [_side_by_side([_core(core, cell, history) for core in cores.cores[row::rows]]) for row in range(rows)]
    if history and rows < height and len(cores.history_unix_ns) > 1:
        ticks = time_ticks(history, interval_ns(cores.history_unix_ns))
        below = fit_line(axis("─" * history, ticks), cell, right=True)
        lines.append(_side_by_side([below] * -(-len(cores.cores) // rows)))
    return lines


def _side_by_side(cells: list[Line]) -> Line:
    return merge(span for index, cell in enumerate(cells) for span in ([("  ", ""), *cell] if index else cell))


def _core(core: Core, width: int, history_width: int) -> Line:
    busy = min(100.0, core.target + core.others + core.steal)
    history = ""
    if history_width:
        history = " " + blocks(core.history, history_width, 100.0)
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
    percent = 100.0 * (machine.quota or machine.affinity or len(cores.cores))
    curve = Curve("target", cores.target_history, percent, units.percent(percent), "primary", height - 1)
    return curve_lines(cores.history_unix_ns, [curve], width)


def title_note(cores: Cores, machine: Machine) -> str:
    """``4 cores``, ``4 of 16 cores, quota 2.5``"""
    if not cores.cores:
        return ""
    total = len(cores.cores)
    allowed = sum(core.allowed for core in cores.cores)
    text = units.counted(total, "core") if allowed == total else f"{allowed} of {units.counted(total, 'core')}"
    return text + (f" · quota {machine.quota:g}" if machine.quota else "")
