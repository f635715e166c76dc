"""The step-time history: a chart of phases, the loss below it, and a legend."""

from __future__ import annotations

from dataclasses import dataclass
from statistics import fmean

from profilednn_tui import units
from profilednn_tui.protocol.events import StepsEvent
from profilednn_tui.protocol.vocabulary import DATALOADER, FORWARD, PHASES
from profilednn_tui.session.view import SessionView, Steps
from profilednn_tui.tui.renderables.columns import stacked_columns
from profilednn_tui.tui.renderables.line import Line, Span, line_width
from profilednn_tui.tui.renderables.scale import ceiling_for
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


@dataclass(frozen=True, slots=True)
class Bin:
    """Neighbouring steps that share one column: means."""

    first: int
    phases_ns: tuple[float, ...]
    loss: float | None
    profiled: bool

    @property
    def duration_ns(self) -> float:
        return sum(self.phases_ns)


def steps_per_column(steps: Steps, zoom: int) -> int:
    """A power of two: from the median step time, doubled or halved by the user's zoom."""
    automatic = 1
    while steps.median_ns and automatic * steps.median_ns < _COLUMN_S * 1e9 / 2 and automatic < 1024:
        automatic *= 2
    return max(1, min(4096, automatic << zoom if zoom >= 0 else automatic >> -zoom))


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
    phases = tuple(fmean(steps.phases_ns[index][phase] for index in fair) for phase in range(len(PHASES)))
    losses = [loss for index in indices if (loss := steps.losses[index]) is not None and loss - loss == 0.0]
    profiled = any(steps.flags[index] & StepsEvent.PROFILED for index in indices)
    return Bin(steps.numbers[indices[0]], phases, fmean(losses) if losses else None, profiled)


def history_lines(view: SessionView, width: int, height: int, zoom: int = 0, colours: bool = True) -> tuple[Line, ...]:
    """Chart, axis, loss and legend in `width` x `height` cells."""
    columns = max(1, width - _AXIS - 1)
    shown = bins(view.steps, steps_per_column(view.steps, zoom), columns)
    has_loss = any(item.loss is not None for item in shown)
    loss_height = (2 if height >= 13 else 1) if has_loss and height >= 7 else 0
    legend = _legend(view, width, colours) if height >= 4 else ()
    gaps = _gaps(view, width) if height >= 9 else ()
    chart_height = max(1, height - 1 - loss_height - (1 if legend else 0) - (1 if gaps else 0))
    lines = list(_chart(shown, chart_height, columns, colours))
    lines.append(_axis(shown, columns))
    if loss_height:
        lines += _loss(shown, columns, loss_height)
    if legend:
        lines.append(legend)
    if gaps:
        lines.append(gaps)
    return tuple(lines)


def _chart(shown: tuple[Bin, ...], height: int, columns: int, colours: bool) -> tuple[Line, ...]:
    ceiling = ceiling_for([item.duration_ns for item in shown])
    drawn = stacked_columns(
        [item.phases_ns for item in shown], ROLES, height, ceiling, "" if colours else GLYPHS
    ) if shown else ((),) * height  # fmt: skip
    padding = (" " * (columns - len(shown)), "")
    labels = {0: _label(ceiling)}
    if height >= 4:
        labels[height // 2] = _label(ceiling / 2)
    return tuple(
        ((labels.get(row, "").rjust(_AXIS - 1), "muted"), (" ", ""), padding, *line) for row, line in enumerate(drawn)
    )


def _label(duration_ns: float) -> str:
    value_ms = duration_ns / 1e6
    return units.fixed(value_ms, 0 if value_ms >= 10 else 1 if value_ms >= 1 else 2)


def _axis(shown: tuple[Bin, ...], columns: int) -> Line:
    """Step numbers at both ends, and a mark below each column with a profiled step."""
    if not shown:
        return ()
    marks = "".join("▴" if item.profiled else "─" for item in shown)
    label = (("step".rjust(_AXIS - 1), "muted"), (" " * (1 + columns - len(shown)), ""))
    first, last = f"{shown[0].first:,} ", f" {shown[-1].first:,}"
    if len(first) + len(last) + 4 > len(marks):
        return (*label, (marks, "faint"))
    return (*label, (first, "muted"), (marks[len(first) : -len(last)], "faint"), (last, "muted"))


def _loss(shown: tuple[Bin, ...], columns: int, height: int) -> list[Line]:
    doubled = [value for item in shown for value in (item.loss, item.loss)]
    graph = braille(doubled, columns, height)
    known = [item.loss for item in shown if item.loss is not None]
    labels = ["loss"] if height == 1 else [units.fixed(max(known), 2)[:6], units.fixed(min(known), 2)[:6]]
    return [
        ((label.rjust(_AXIS - 1), "muted"), (" ", ""), (line, "primary"))
        for label, line in zip(labels, graph, strict=True)
    ]


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


def subtitle(view: SessionView, zoom: int) -> str:
    """The meaning of a column."""
    if not view.steps.count:
        return ""
    size = steps_per_column(view.steps, zoom)
    each = "one step per column" if size == 1 else f"{size:,} steps per column"
    source = {DATALOADER: " · steps from DataLoader batches", FORWARD: " · steps from forward calls"}
    return each + source.get(view.steps.source or "", "")
