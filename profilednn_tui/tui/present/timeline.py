"""The timeline of a window as rows of boxes, and as lines of text.

A call that fills a cell or more is a box with its name; smaller ones are a shade that says how much of the cell they
fill. What no operator fills stays empty.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass

from profilednn_tui import units
from profilednn_tui.protocol.files import TRACES
from profilednn_tui.protocol.vocabulary import PHASES
from profilednn_tui.session.frames import visible_frames
from profilednn_tui.session.trace import UNKNOWN, Integers, Place, Trace
from profilednn_tui.session.view import Fragmentation, Frame, SessionView, Steps
from profilednn_tui.session.words import operator_text
from profilednn_tui.timeline.stretch import Account, PhaseTime, Stretch
from profilednn_tui.tui.present.stacks import short_file
from profilednn_tui.tui.present.states import Message
from profilednn_tui.tui.renderables.line import Line, Span, clip, clip_line, fit_line, line_width, merge, width_of

TITLE = 10
"""Cells for the names of lanes."""
EDGE = "▏"
"""Begins every box, so that neighbours without a gap can be told apart."""
_SHADES = "░▒▓█"
_BARE_TEXT = 4
"""Cells that a box needs for a text of its own."""
LEAST_NS = 1_000
"""The closest zoom."""
MOST_STEPS = 9.0
"""The farthest zoom, in steps."""


@dataclass(frozen=True, slots=True)
class Viewport:
    """The time that is on the screen."""

    begin_ns: float
    end_ns: float

    @property
    def span_ns(self) -> float:
        return self.end_ns - self.begin_ns

    def cell(self, time_ns: float, width: int) -> float:
        """Where a moment is among `width` cells."""
        return (time_ns - self.begin_ns) / self.span_ns * width

    def time_ns(self, cell: float, width: int) -> float:
        return self.begin_ns + self.span_ns * cell / width

    def zoomed(self, factor: float, around_ns: float) -> Viewport:
        """Another span, with the same moment at the same place."""
        return Viewport(
            around_ns - (around_ns - self.begin_ns) * factor, around_ns + (self.end_ns - around_ns) * factor
        )

    def moved(self, by_ns: float) -> Viewport:
        return Viewport(self.begin_ns + by_ns, self.end_ns + by_ns)


def bounded(viewport: Viewport, step_ns: int) -> Viewport:
    """Neither closer than a microsecond, nor farther away than a few steps."""
    span = min(max(viewport.span_ns, LEAST_NS), MOST_STEPS * max(step_ns, LEAST_NS))
    low, high = -(MOST_STEPS - 1) / 2 * step_ns, step_ns + (MOST_STEPS - 1) / 2 * step_ns
    middle = min(max((viewport.begin_ns + viewport.end_ns) / 2, low), high)
    return Viewport(middle - span / 2, middle + span / 2)


@dataclass(frozen=True, slots=True)
class Box:
    """Something that fills one cell or more."""

    x: int
    width: int
    text: str
    role: str
    call: int = UNKNOWN
    """Index of the call; `UNKNOWN` for what cannot be chosen."""


@dataclass(frozen=True, slots=True)
class Row:
    """One line of a lane."""

    title: str
    boxes: tuple[Box, ...] = ()
    shades: tuple[tuple[int, str, str], ...] = ()
    """(cell, glyph, role)"""
    thread: int = UNKNOWN
    depth: int = 0


# ---------------------------------------------------------------- rows


def timeline_rows(trace: Trace, beside: Sequence[Trace], steps: Steps, viewport: Viewport, width: int) -> list[Row]:
    """All lanes: phases, operators by depth with oneDNN's primitives below them, other threads, other processes."""
    import numpy as np

    calls = trace.calls
    rows = [_phases_row("phases", trace, steps, 0, viewport, width)]
    for thread, name in enumerate(trace.threads):
        on_thread = np.flatnonzero(calls.thread == thread)
        depths = calls.depth[on_thread]
        title = "operators" if thread == 0 else name
        for depth in range(int(depths.max()) + 1 if len(depths) else 0):
            row = _calls_row(title if not depth else "", trace, on_thread[depths == depth], 0, viewport, width)
            rows.append(Row(row.title, row.boxes, row.shades, thread, depth))
        if thread == 0 and len(trace.primitives.name):
            rows.append(_primitives_row(trace, viewport, width))
    for other in beside:
        shift = other.began_unix_ns - trace.began_unix_ns
        outermost = np.flatnonzero((other.calls.thread == 0) & (other.calls.depth == 0))
        rows.append(_phases_row(other.process, other, Steps(), shift, viewport, width))
        there = _calls_row("", other, outermost, shift, viewport, width)
        rows.append(Row("", tuple(Box(box.x, box.width, box.text, box.role) for box in there.boxes), there.shades))
    return rows


def _phases_row(title: str, trace: Trace, steps: Steps, shift: int, viewport: Viewport, width: int) -> Row:
    spans: list[tuple[float, float, str, str]] = []
    begin = None
    for end, phase in zip(trace.phases.end_ns.tolist(), trace.phases.phase.tolist(), strict=True):
        if begin is not None and 0 <= phase < len(PHASES):
            name = PHASES[phase]
            if spans and spans[-1][2] == name and spans[-1][1] == begin:
                spans[-1] = (spans[-1][0], end, name, "reverse")
            else:
                spans.append((begin, end, name, "reverse"))
        begin = end
    spans += _neighbours(trace, steps)
    boxes = []
    for low, high, name, style in spans:
        x, right = _cells(low + shift, high + shift, viewport, width)
        if right > x:
            text = EDGE + (name if right - x > _BARE_TEXT else "")
            boxes.append(Box(x, right - x, text, f"phase-{name} {style}".strip()))
    return Row(title, tuple(sorted(boxes, key=lambda box: box.x)))


def _neighbours(trace: Trace, steps: Steps) -> list[tuple[float, float, str, str]]:
    """The phases of the steps around: only their sums are known, so they are drawn in their usual order."""
    found = []
    # Some views have no clock: then no step has an end.
    each = zip(steps.numbers, steps.end_unix_ns, steps.durations_ns, steps.phases_ns, strict=False)
    for number, end_unix_ns, duration, phases in each:
        if number == trace.step or abs(end_unix_ns - trace.began_unix_ns) > MOST_STEPS * max(trace.duration_ns, 1):
            continue
        at = float(end_unix_ns - trace.began_unix_ns - duration)
        for name, time in zip(PHASES, phases, strict=True):
            if time:
                found.append((at, at + time, name, ""))
            at += time
    return found


def _cells(low: float, high: float, viewport: Viewport, width: int) -> tuple[int, int]:
    return max(0, round(viewport.cell(low, width))), min(width, round(viewport.cell(high, width)))


def _calls_row(title: str, trace: Trace, chosen: Integers, shift: int, viewport: Viewport, width: int) -> Row:
    import numpy as np

    calls = trace.calls
    starts = calls.start_ns[chosen] + shift
    ends = starts + calls.duration_ns[chosen]
    seen = (ends >= viewport.begin_ns) & (starts <= viewport.end_ns)
    chosen, starts, ends = chosen[seen], starts[seen], ends[seen]
    scale = width / viewport.span_ns
    left, right = (starts - viewport.begin_ns) * scale, (ends - viewport.begin_ns) * scale
    x, stop = np.clip(np.rint(left), 0, width).astype(int), np.clip(np.rint(right), 0, width).astype(int)
    wide = stop > x
    boxes = tuple(
        Box(low, high - low, EDGE + _box_text(trace, call, high - low), _role(trace, call), call)
        for low, high, call in zip(x[wide].tolist(), stop[wide].tolist(), chosen[wide].tolist(), strict=True)
    )
    cell = np.minimum((left[~wide] + right[~wide]) / 2, width - 1).astype(int)
    visible = cell >= 0
    filled = np.bincount(cell[visible], weights=(right - left)[~wide][visible], minlength=width)
    small = chosen[~wide][visible]
    shades = []
    longest: dict[int, int] = {}
    for at, call in zip(cell[visible].tolist(), small.tolist(), strict=True):
        known = longest.get(at)
        if known is None or calls.duration_ns[call] > calls.duration_ns[known]:
            longest[at] = call
    taken = {at for box in boxes for at in range(box.x, box.x + box.width)} if longest else set()
    for at, call in longest.items():
        if at not in taken:
            glyph = _SHADES[min(len(_SHADES) - 1, int(filled[at] * len(_SHADES)))]
            shades.append((at, glyph, _role(trace, call).removesuffix(" reverse")))
    return Row(title, boxes, tuple(shades))


def _box_text(trace: Trace, call: int, width: int) -> str:
    return clip(operator_text(trace.name(call)), width - 1) if width > _BARE_TEXT else ""


def _role(trace: Trace, call: int) -> str:
    place = int(trace.calls.place[call])
    phase = trace.places[place].phase if place != UNKNOWN else ""
    return f"phase-{phase} reverse" if phase else "muted reverse"


def _primitives_row(trace: Trace, viewport: Viewport, width: int) -> Row:
    uses = trace.primitives
    boxes: list[Box] = []
    small: dict[int, float] = {}
    for start, duration, name in zip(
        uses.start_ns.tolist(), uses.duration_ns.tolist(), uses.name.tolist(), strict=True
    ):
        if start + duration < viewport.begin_ns or start > viewport.end_ns:
            continue
        x, right = _cells(start, start + duration, viewport, width)
        text = trace.primitive_names[name]
        if right > x:
            role = "warning reverse" if text.startswith("creation") else "secondary reverse"
            boxes.append(Box(x, right - x, EDGE + (clip(text, right - x - 1) if right - x > _BARE_TEXT else ""), role))
        else:
            at = int(viewport.cell(start + duration / 2, width))
            small[at] = small.get(at, 0.0) + duration / viewport.span_ns * width
    taken = {at for box in boxes for at in range(box.x, box.x + box.width)}
    shades = tuple(
        (at, _SHADES[min(len(_SHADES) - 1, int(part * len(_SHADES)))], "secondary")
        for at, part in small.items()
        if at not in taken and 0 <= at < width
    )
    return Row("oneDNN", tuple(boxes), shades)


# ---------------------------------------------------------------- lines


def row_line(
    row: Row, trace: Trace, selected: int, pattern: re.Pattern[str] | None, viewport: Viewport, width: int
) -> Line:
    """A row with the name of its lane; the chosen call and those that match the pattern stand out."""
    cells: list[Span] = [(" ", "")] * width
    for at, glyph, role in row.shades:
        if 0 <= at < width:
            cells[at] = (glyph, role)
    for box in row.boxes:
        text, role = box.text, box.role
        if box.call != UNKNOWN and box.call == selected:
            role = "bold underline primary"
        elif box.call != UNKNOWN and pattern is not None and pattern.search(trace.name(box.call)):
            role = "background on warning"
        text += " " * (box.width - width_of(text))
        for number, letter in enumerate(text[: box.width]):
            if 0 <= box.x + number < width:
                cells[box.x + number] = (letter, role)
    if _is_small(row, trace, selected):
        calls = trace.calls
        at = int(viewport.cell(float(calls.start_ns[selected] + calls.duration_ns[selected] / 2), width))
        if 0 <= at < width and not any(box.x <= at < box.x + box.width for box in row.boxes):
            cells[at] = ("◆", "bold primary")
    return ((f"{clip(row.title, TITLE - 1):<{TITLE}}", "muted"), *merge(cells))


def _is_small(row: Row, trace: Trace, selected: int) -> bool:
    """Whether the chosen call is in this row without a box of its own."""
    if selected == UNKNOWN or row.thread == UNKNOWN or any(box.call == selected for box in row.boxes):
        return False
    calls = trace.calls
    return bool(calls.thread[selected] == row.thread and calls.depth[selected] == row.depth)


def axis_line(viewport: Viewport, stretch: Stretch | None, width: int, indent: int) -> Line:
    """Times since the step's begin, and where the chosen stretch is."""
    tick = _tick_ns(viewport.span_ns, width)
    unit, scale = ("ms", 1e6) if tick >= 1e4 else ("µs", 1e3)
    decimals = max(0, math.ceil(-math.log10(tick / scale) - 1e-9))
    cells = [" "] * width
    first = math.ceil(viewport.begin_ns / tick)
    for number in range(first, math.floor(viewport.end_ns / tick) + 1):
        at = int(viewport.cell(number * tick, width))
        label = f"╷{units.fixed(number * tick / scale, decimals)} {unit}"
        if at >= 0 and at + len(label) <= width:
            cells[at : at + len(label)] = label
    spans: list[Span] = []
    for at, letter in enumerate(cells):
        middle = viewport.time_ns(at + 0.5, width)
        chosen = stretch is not None and stretch.begin_ns <= middle <= stretch.end_ns
        spans.append(("━" if chosen and letter == " " else letter, "bold primary" if chosen else "muted"))
    return merge([(" " * indent, ""), *spans])


def _tick_ns(span_ns: float, width: int) -> float:
    """A round distance of at least 14 cells."""
    least = span_ns / max(1, width) * 14
    magnitude = 10.0 ** math.floor(math.log10(least))
    return next(step * magnitude for step in (1, 2, 5, 10) if step * magnitude >= least)


def head_lines(trace: Trace, call: int, newest: int, viewport: Viewport) -> tuple[Line, Line]:
    """Which window it is; and the chosen call with its figures."""
    first: list[Span] = [(f" step {trace.step:,}", "bold"), (f"  window {trace.window}", "muted")]
    if newest != trace.window:
        first.append((f" (newest: {newest})", "muted"))
    first.append((f"  {units.duration(trace.duration_ns)}  {units.counted(len(trace.calls), 'call')}", ""))
    if not trace.complete:
        first.append(("  only the first calls are kept", "warning"))
    first.append((f"  shown: {units.duration(viewport.span_ns)}", "muted"))
    if call == UNKNOWN:
        return tuple(first), ()
    calls = trace.calls
    second: list[Span] = [(f" {operator_text(trace.name(call))}", "bold")]
    second.append((f"  {units.duration(int(calls.duration_ns[call]))}", ""))
    second.append((f"  itself {units.duration(int(calls.self_ns[call]))}", ""))
    second.append((f"  at {units.fixed(int(calls.start_ns[call]) / 1e6, 3)} ms", "muted"))
    place = int(calls.place[call])
    if place != UNKNOWN:
        one = trace.places[place]
        frame = frame_of(one)
        if one.phase:
            second.append((f"  {one.phase}", f"phase-{one.phase}"))
        if frame is not None:
            second.append((f"  {short_file(frame.file)}:{frame.line}", "muted"))
        if one.module:
            second.append((f"  {one.module}", "muted"))
        second.append((f"  {one.key.input_shapes}", "faint"))
    return tuple(first), tuple(second)


def summary_lines(
    account: Account, chosen: bool, fragments: Sequence[Fragmentation], width: int, height: int
) -> tuple[Line, ...]:
    """What a stretch adds up to, and the operators with most self time in it."""
    duration = account.stretch.duration_ns
    what = "stretch" if chosen else "window"
    share = units.share(account.busy_ns / duration if duration else None)
    first: list[Span] = [
        (f"{what} {units.duration(duration)}", "bold"),
        (f"  busy {units.duration(account.busy_ns)} ({share})", ""),
        (f"  {account.gaps:,} gaps {units.duration(account.gap_ns)}", ""),
        (f"  {units.counted(account.calls, 'call')}", ""),
    ]
    lines: list[Line] = [clip_line(tuple(first), width), *phase_lines(account.phases, fragments, width)]
    name_width = max(16, width - 40)
    for row in account.operators.rows[: max(0, height - len(lines))]:
        name = clip(f"{operator_text(row.key.name)}  {row.key.input_shapes}", name_width)
        figures = f"{units.count(row.calls_per_step):>8} calls {units.duration(row.self_ns_per_step):>10}"
        lines.append(
            fit_line(
                (
                    (name + " " * (name_width - width_of(name)), f"phase-{row.phase}" if row.phase else ""),
                    (f"{figures} {units.share(row.share):>7}", ""),
                ),
                width,
            )
        )
    return tuple(lines)


def phase_lines(phases: Sequence[PhaseTime], fragments: Sequence[Fragmentation], width: int) -> tuple[Line, ...]:
    """Each phase with its time, how much of it no operator fills, and how many of its outermost calls are short."""
    by_phase = {one.phase: one for one in fragments}
    lines: list[Line] = []
    for phase in phases:
        spans: list[Span] = [(f"{phase.name} {units.duration(phase.duration_ns)}", f"phase-{phase.name}")]
        fragment = by_phase.get(phase.name)
        if fragment is not None:
            short = f", {units.count(fragment.short_calls)} of {units.count(fragment.calls)} calls < 10 µs"
            spans.append((f" gaps {units.share(fragment.gaps_share)}{short if fragment.calls else ''}", "muted"))
        wide = line_width(lines[-1]) + 3 + line_width(tuple(spans)) if lines else width + 1
        if wide <= width:
            lines[-1] = (*lines[-1], ("   ", ""), *spans)
        else:
            lines.append(tuple(spans))
    return tuple(clip_line(line, width) for line in lines)


def stretch_text(trace: Trace, stretch: Stretch) -> str:
    """``2.10 ms OF STEP 412``"""
    return f"{units.duration(stretch.duration_ns)} OF STEP {trace.step:,}"


def frame_of(place: Place) -> Frame | None:
    """The program's line behind a call; None if it is unknown."""
    frames = visible_frames(place.forward_frames or place.frames, False)
    return frames[-1] if frames else None


def no_trace_message(view: SessionView) -> Message:
    """Why there is no timeline."""
    if not view.window_numbers:
        return Message("No window yet", ("The timeline shows an operator window: the first one is still to come.",))
    return Message(
        "The calls of these windows are not here",
        (
            f"They are kept of the newest {TRACES} windows of each process, beside the recording, and in snapshots.",
            "A session that an earlier version recorded, or streams, has none.",
        ),
    )
