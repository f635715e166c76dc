"""The two lines at the top of every screen."""

from __future__ import annotations

import shlex
from dataclasses import dataclass
from math import isfinite

from profilednn_tui import units
from profilednn_tui.ranks.account import ranks_of
from profilednn_tui.ranks.words import straggler_words
from profilednn_tui.session.view import SessionView
from profilednn_tui.session.words import remaining_words
from profilednn_tui.tui.present.states import state_badge
from profilednn_tui.tui.renderables.line import Line, Span, clip, ends, line_width, width_of


@dataclass(frozen=True, slots=True)
class Display:
    """How the session is displayed."""

    paused: bool = False
    behind_steps: int = 0
    """Steps that have arrived since the display was paused."""
    window: int | None = None
    """The single window shown; None for all merged."""
    reading: bool = False
    """Whether a recording is still being read."""
    stretch: str = ""
    """The stretch of time whose operators are shown: ``2.10 ms OF STEP 412``; empty for whole steps."""
    finding: str = ""
    """What holds the training back most, if it costs much: ``data wait 94 %``."""
    input_key: str = ""
    """The key to type to the target with; empty where there is none."""


@dataclass(frozen=True, slots=True)
class _Figure:
    label: str
    value: str
    width: int
    """Cells of the value: constant, so that nothing jumps."""
    role: str = ""


def header_lines(view: SessionView, display: Display, width: int) -> tuple[Line, ...]:
    """Name and state; then the figures that fit."""
    badges = _badges(view, display, width)
    name = _name(view, max(10, width - line_width(badges) - 3))
    return (ends(((" ", ""), *name), (*badges, (" ", "")), width), _figures_line(_figures(view), width))


def _name(view: SessionView, width: int) -> Line:
    target = view.target
    name = target.name or "profilednn-tui"
    rank = f" {process_words(view)}" if process_words(view) else ""
    switched = f" +{' +'.join(target.optimizations)}" if target.optimizations else ""
    arguments = shlex.join(target.argv[1:]) if target.argv else ""
    spans: list[Span] = [(clip(name, width), "bold"), (rank, "muted")]
    room = width - line_width(tuple(spans)) - 1
    late = ranks_of(view.ranks).straggler
    if late is not None and room >= 12:
        spans.append((f" {clip(straggler_words(late), room - 1)}", "warning"))
        room = width - line_width(tuple(spans)) - 1
    left = remaining_words(view.remaining)
    if left and room >= width_of(left):
        spans.append((f" {left}", "bold" if view.remaining.seconds is not None else "muted"))
        room = width - line_width(tuple(spans)) - 1
    if switched and room >= 4:
        spans.append((clip(switched, room), "primary"))
        room = width - line_width(tuple(spans)) - 1
    if arguments and room >= 4:
        spans.append((" " + clip(arguments, room), "muted"))
    return tuple(spans)


def process_words(view: SessionView) -> str:
    """Which process is shown: ``rank 0 of 2, second life``; empty for the only process of a plain run."""
    target = view.target
    words = []
    if target.rank is not None:
        words.append(f"rank {target.rank} of {target.world_size}")
    elif target.pid is not None and sum(entry.steps > 0 for entry in view.processes) > 1:
        words.append(f"pid {target.pid}")
    if target.life > 1:
        words.append(f"{units.ordinal(target.life)} life")
    return ", ".join(words)


def _badges(view: SessionView, display: Display, width: int) -> Line:
    spans: list[Span] = []
    if display.reading:
        spans.append((" READING ", "background on primary"))
    if display.paused:
        spans.append((f" PAUSED +{display.behind_steps:,} steps ", "bold background on primary"))
    if display.window is not None:
        spans.append((f" WINDOW {display.window} ", "background on primary"))
    if display.stretch:
        spans.append((f" {display.stretch} ", "bold background on primary"))
    if view.merged_ranks:
        spans.append((f" {view.merged_ranks} RANKS MERGED ", "background on primary"))
    if view.awaits_input:
        key = f": {display.input_key}" if display.input_key else ""
        spans.append((f" INPUT AWAITED{key} ", "bold background on warning"))
    if view.agent.paused and view.live:
        spans.append((" WINDOWS OFF ", "background on warning"))
    if view.cores.contention:
        sentence = view.cores.contention if width >= 130 else "CONTENTION"
        spans.append((f" {clip(sentence, 64)} ", "bold background on warning"))
    if display.finding:
        spans.append((finding_badge(display.finding), "background on primary"))
    separated = [span for badge in spans for span in (badge, (" ", ""))]
    return (*separated, state_badge(view))


def finding_badge(finding: str) -> str:
    """The finding, and the key that shows more."""
    return f" {finding}: a "


def _figures(view: SessionView) -> tuple[_Figure, ...]:
    """Most important first."""
    steps, agent, cores = view.steps, view.agent, view.cores
    loss = next((value for value in reversed(steps.losses) if value is not None), None)
    over_budget = (
        agent.overhead_percent is not None
        and agent.budget_percent is not None
        and agent.overhead_percent > agent.budget_percent + 0.5
    )
    figures = [
        _Figure("step", f"{steps.count:,}" if steps.count else units.UNKNOWN, 7, "bold"),
        _Figure("median", units.duration(steps.median_ns), 8, "bold"),
        _Figure("p95", units.duration(steps.p95_ns), 8),
        _Figure("", f"{units.rate(steps.steps_per_s).removesuffix('/s')} steps/s", 13),
        _Figure("overhead", units.percent(agent.overhead_percent), 7, "warning" if over_budget else ""),
        _Figure("loss", units.loss(loss), 10, "error" if loss is not None and not isfinite(loss) else ""),
        _Figure("target", units.percent(cores.target_percent), 6),
        _Figure("ui", units.percent(cores.host_percent), 6),
        _Figure("rss", units.bytes_size(view.memory.rss_bytes), 7),
        _Figure("windows", units.count(agent.windows), 5),
    ]
    return tuple(figures)


def _figures_line(figures: tuple[_Figure, ...], width: int) -> Line:
    """As many figures as fit, each in its own field."""
    spans: list[Span] = [(" ", "")]
    used = 1
    for figure in figures:
        label = f"{figure.label} " if figure.label else ""
        needed = len(label) + figure.width + 2
        if used + needed > width + 2:
            break
        spans += [(label, "muted"), (figure.value.ljust(figure.width), figure.role), ("  ", "")]
        used += needed
    return tuple(spans)
