"""The step-time history: a chart of phases or a density, the loss below it, and a legend."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from math import ceil, isfinite, log2
from statistics import fmean

from profilednn_tui import units
from profilednn_tui.protocol.events import StepsEvent
from profilednn_tui.protocol.vocabulary import DATALOADER, FORWARD, PHASES
from profilednn_tui.session.model.step_times import SLOT_NS
from profilednn_tui.session.step_times import StepSlot
from profilednn_tui.session.view import SessionView, Steps
from profilednn_tui.tui.present.density import density_lines, shade_legend, slots_of
from profilednn_tui.tui.present.over_time import time_ticks
from profilednn_tui.tui.renderables.columns import PEAK, stacked_columns
from profilednn_tui.tui.renderables.line import Line, Span, line_width, merge
from profilednn_tui.tui.renderables.scale import axis, ceiling_for
from profilednn_tui.tui.renderables.sparkline import braille

ROLES = tuple(f"phase-{phase}" for phase in PHASES)
GLYPHS = ":█▒▓░~/·"
"""Characters for the phases when there are no colours."""

_SHORT = dict(zip(PHASES, ("data", "fwd", "loss", "bwd", "opt", "comm", "infer", "other"), strict=True))
_AXIS = 7
"""Width of the labels on the left, in cells."""
_LEAST_PHASE = 0.02
"""Part of the step from which on the gaps of a phase are told."""
_COLUMN_S = 0.25
"""A column covers about this time at least, so that fast steps do not race by."""
DIVERGED = "✗"
"""Marks a loss that is infinite or not a number."""
_FEWEST_COLUMNS = 32
"""Steps only share columns if they fill so many."""
_LOSS_FIGURES = 5
"""Late in a training, losses differ by little."""
_ROOM_FOR_LOSS = 8
_WIDE_LOSS = 100.0
"""From this ratio of the largest to the smallest on, a linear scale would show the largest alone."""
DENSE_STEPS = 128
"""From so many steps per column on, the chart is a density: a mean would hide how they differ."""
_SHORTEST_LEVEL, _LONGEST_LEVEL = -7, 16
"""Of the time of a column, in octaves around `SLOT_NS`."""


@dataclass(frozen=True, slots=True)
class Bin:
    """Neighbouring steps that share one column: means."""

    first: int
    last: int
    phases_ns: tuple[float, ...]
    slowest_ns: float
    loss: float | None
    """The mean of those that are numbers."""
    diverged: bool
    """Whether a loss is infinite or not a number."""
    profiled: bool

    @property
    def duration_ns(self) -> float:
        return sum(self.phases_ns)


@dataclass(frozen=True, slots=True)
class Scale:
    """What a column of the chart stands for."""

    steps: int
    """In a density, about so many."""
    column_ns: int = 0
    """The time of a column of a density; 0 for columns of equally many steps."""


def steps_per_column(steps: Steps, zoom: int) -> int:
    """A power of two: from the median step time and their number, doubled or halved by the user's zoom."""
    automatic = 1
    while steps.median_ns and automatic * steps.median_ns < _COLUMN_S * 1e9 / 2 and automatic < 1024:
        if steps.count < 2 * automatic * _FEWEST_COLUMNS:
            break
        automatic *= 2
    return max(1, min(4096, automatic << zoom if zoom >= 0 else automatic >> -zoom))


def scale_for(steps: Steps, zoom: int) -> Scale:
    """The scale of the chart: few steps share a column of phases, many a column of a density."""
    size = steps_per_column(steps, zoom)
    if size < DENSE_STEPS or not steps.median_ns or not steps.end_unix_ns:
        return Scale(size)
    level = min(max(ceil(log2(size * steps.median_ns / SLOT_NS)), _SHORTEST_LEVEL), _LONGEST_LEVEL)
    return Scale(size, SLOT_NS << level if level >= 0 else SLOT_NS >> -level)


def bins(steps: Steps, size: int, columns: int) -> tuple[Bin, ...]:
    """The newest `columns` bins of `size` steps; a step never changes its bin, so that columns only move as a whole.

    Profiled steps are left out of a bin that has others: profiling slows them down.
    """
    if not steps.numbers:
        return ()
    last_bin = steps.numbers[-1] // size
    start = max(0, len(steps.numbers) - columns * size)
    grouped: dict[int, list[int]] = {}
    for index in range(start, len(steps.numbers)):
        number = steps.numbers[index] // size
        if number > last_bin - columns:
            grouped.setdefault(number, []).append(index)
    return tuple(_bin(steps, indices) for indices in grouped.values())


def _bin(steps: Steps, indices: list[int]) -> Bin:
    fair = [index for index in indices if not steps.flags[index]] or indices
    phases = tuple(map(fmean, zip(*(steps.phases_ns[index] for index in fair), strict=True)))
    told = [loss for index in indices if (loss := steps.losses[index]) is not None]
    losses = [loss for loss in told if isfinite(loss)]
    return Bin(
        steps.numbers[indices[0]],
        steps.numbers[indices[-1]],
        phases,
        max(steps.durations_ns[index] for index in fair),
        fmean(losses) if losses else None,
        len(losses) < len(told),
        any(steps.flags[index] & StepsEvent.PROFILED for index in indices),
    )


def history_lines(view: SessionView, width: int, height: int, zoom: int = 0, colours: bool = True) -> tuple[Line, ...]:
    """Chart, axis, loss and legend in `width` x `height` cells."""
    columns = max(1, width - _AXIS - 1)
    scale = scale_for(view.steps, zoom)
    shown: Sequence[Bin | StepSlot | None]
    draw: Callable[[int], list[Line]]
    if scale.column_ns:
        slots = slots_of(view.steps, scale.column_ns, columns)
        shown, draw = slots, partial(_density, slots, scale.steps)
    else:
        newest = bins(view.steps, scale.steps, columns)
        padded = (*[None] * (columns - len(newest)), *newest)
        shown, draw = padded, partial(_phases, padded, scale.steps, colours)
    losses = [None if item is None else item.loss for item in shown]
    diverged = [item is not None and item.diverged for item in shown]
    loss_height = _loss_height(height, losses, any(diverged))
    legend = _legend(view, width, colours) if height >= 4 else ()
    gaps = _gaps(view, width) if height >= 9 else ()
    lines = draw(max(1, height - 1 - loss_height - (1 if legend else 0) - (1 if gaps else 0)))
    lines.append(_step_axis(shown, scale))
    lines += _loss(losses, diverged, loss_height) if loss_height else []
    lines += [legend] if legend else []
    lines += [gaps] if gaps else []
    return tuple(lines)


def _loss_height(height: int, losses: Sequence[float | None], diverged: bool) -> int:
    """Room for an axis with two ends, and for the word that the scale is a logarithmic one."""
    if height < _ROOM_FOR_LOSS or not (diverged or any(loss is not None for loss in losses)):
        return 0
    return max(3 if _is_wide(losses) else 2, height // 6)


def _is_wide(losses: Sequence[float | None]) -> bool:
    """Whether the losses take a logarithmic scale."""
    known = [loss for loss in losses if loss is not None]
    return bool(known) and min(known) > 0 and max(known) >= _WIDE_LOSS * min(known)


def _phases(shown: Sequence[Bin | None], size: int, colours: bool, height: int) -> list[Line]:
    durations = [0.0 if item is None else item.duration_ns for item in shown]
    ceiling = ceiling_for([duration for duration in durations if duration])
    parts = [() if item is None else item.phases_ns for item in shown]
    peaks = [0.0 if item is None or size == 1 else item.slowest_ns for item in shown]
    drawn = stacked_columns(parts, ROLES, height, ceiling, "" if colours else GLYPHS, peaks)
    labels = {height - 1: "0", height // 2: units.short(ceiling / 2e6)} if height >= 4 else {}
    labels[0] = units.short(ceiling / 1e6)
    return [(_label(labels.get(row, "")), *line) for row, line in enumerate(drawn)]


def _density(slots: Sequence[StepSlot | None], size: int, height: int) -> list[Line]:
    drawn, edges_ns = density_lines(slots, size, height)
    labels = {height - 1: edges_ns[-1], height // 2: edges_ns[height // 2]} if height >= 4 else {}
    labels[0] = edges_ns[0]
    return [(_label(units.short(labels[row] / 1e6) if row in labels else ""), *line) for row, line in enumerate(drawn)]


def _label(text: str, role: str = "muted") -> Span:
    return f"{text:>{_AXIS - 1}} ", role


def _step_axis(shown: Sequence[Bin | StepSlot | None], scale: Scale) -> Line:
    """Step numbers at both ends, in a density the time between them, and a mark below each column with a profiled
    step."""
    begin = next((place for place, item in enumerate(shown) if item is not None), None)
    if begin is None:
        return ()
    marks = "".join("▴" if item is not None and item.profiled else "─" for item in shown[begin:])
    items = [item for item in shown if item is not None]
    ends = [(len(marks) - 1, f"{items[-1].last:,}"), (0, f"{items[0].first:,}")]
    between = (
        [(cell - begin, text) for cell, text in time_ticks(len(shown), scale.column_ns)[1:]] if scale.column_ns else []
    )
    inside = [(cell, text) for cell, text in between if cell >= 0]
    return (_label("step"), (" " * begin, ""), *axis(marks, [*ends, *inside]))


def _loss(losses: Sequence[float | None], diverged: Sequence[bool], height: int) -> list[Line]:
    """A curve between the smallest and the largest loss that is shown, and a mark where one is not a number."""
    known = [loss for loss in losses if loss is not None]
    highest, lowest = (units.short(end(known), _LOSS_FIGURES) if known else "" for end in (max, min))
    labels = [highest, *[""] * (height - 2), lowest]
    if height > 2:
        labels[height // 2] = "loss"
    if _is_wide(losses):
        labels[height // 2] = "log"
        losses = [None if loss is None else log2(loss) for loss in losses]
    graph = braille([loss for loss in losses for _ in range(2)], len(losses), height)
    lines: list[Line] = [
        (_label(label, "primary"), (line, "primary")) for label, line in zip(labels, graph, strict=True)
    ]
    if any(diverged):
        lowest_row = zip(graph[-1], diverged, strict=True)
        marked = [(DIVERGED, "error") if mark else (dots, "primary") for dots, mark in lowest_row]
        lines[-1] = (_label(labels[-1], "primary"), *merge(marked))
    return lines


def _legend(view: SessionView, width: int, colours: bool) -> Line:
    """Phases with median time and share, as many as fit."""
    line: Line = ()
    for short, times, shares in ((False, True, True), (False, True, False), (True, True, False), (True, False, False)):
        spans: list[Span] = [(" " * _AXIS if shares else "", "")]
        for phase in view.phases:
            quiet = phase.share < 0.0005
            mark = "■" if colours else GLYPHS[PHASES.index(phase.name)]
            spans.append((f"{mark} ", f"phase-{phase.name}"))
            spans.append((_SHORT[phase.name] if short else phase.name, "faint" if quiet else "muted"))
            if times:
                spans.append((f" {units.milliseconds(phase.median_ns)}", "faint" if quiet else ""))
            if shares:
                spans.append((f" {units.share(phase.share)}", "faint" if quiet else "muted"))
            spans.append(("   " if shares else " " if short and times else "  ", ""))
        line = tuple(spans[:-1])
        if line_width(line) <= width:
            break
    return line


def _gaps(view: SessionView, width: int) -> Line:
    """How much of each phase no operator fills, and how many of its operators take less than 10 us."""
    spans: list[Span] = [("gaps", "muted")]
    whole_ns = sum(one.duration_ns for one in view.fragmentation)
    for one in view.fragmentation:
        if one.calls and one.duration_ns >= _LEAST_PHASE * whole_ns:
            short = f" {units.count(one.short_calls)}/{units.count(one.calls)} short"
            part: list[Span] = [(f"  {_SHORT[one.phase]} {units.share(one.gaps_share)}", ""), (short, "muted")]
            if line_width((*spans, *part)) > width:
                break
            spans += part
    return tuple(spans) if len(spans) > 1 else ()


def title_note(view: SessionView, height: int, zoom: int) -> str:
    """What else the title has to say of charts of this height."""
    told = [loss for loss in view.steps.losses if loss is not None]
    scale = " on a log scale" if scale_for(view.steps, zoom).column_ns else ""
    if height < _ROOM_FOR_LOSS or not told:
        return scale
    return f"{scale} · loss below" + ("" if all(map(isfinite, told)) else f", {DIVERGED} not a number")


def subtitle(view: SessionView, zoom: int) -> str:
    """The meaning of a column, and of the signs in it."""
    if not view.steps.count:
        return ""
    scale = scale_for(view.steps, zoom)
    if scale.column_ns:
        each = f"{units.round_duration(scale.column_ns)} per column, steps: {shade_legend(scale.steps)}"
    elif scale.steps == 1:
        each = "one step per column"
    else:
        each = f"{scale.steps:,} steps per column, {PEAK} the slowest"
    source = {DATALOADER: " · steps from DataLoader batches", FORWARD: " · steps from forward calls"}
    return each + source.get(view.steps.source or "", "")
