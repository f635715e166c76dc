"""A session as tracks for trace viewers: slices that nest, and values, in the order of their times on each track."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import TypeAlias

from profilednn_tui.protocol.vocabulary import PHASES
from profilednn_tui.ranks.clocks import unix_shifts
from profilednn_tui.session.open_session import OpenSession, ProcessTimeline
from profilednn_tui.session.trace import UNKNOWN, Trace
from profilednn_tui.session.view import Steps
from profilednn_tui.session.words import operator_text

_LANES = 8
"""Tracks for oneDNN's primitives, which several threads may run at the same time; what finds no place is left out."""


@dataclass(frozen=True, slots=True)
class Track:
    """A track; it comes before what is on it."""

    number: int
    """From 1, unlike that of any other track."""
    process: int
    """Number of the track of its process; its own for that one."""
    pid: int
    name: str
    values: bool = False
    """Whether it has values instead of slices."""


@dataclass(frozen=True, slots=True)
class Slice:
    """Something that took time."""

    track: int
    start_unix_ns: int
    duration_ns: int
    name: str
    arguments: Mapping[str, str | float] = field(default_factory=dict)

    @property
    def end_unix_ns(self) -> int:
        return self.start_unix_ns + self.duration_ns


@dataclass(frozen=True, slots=True)
class Value:
    """A figure at a moment."""

    track: int
    unix_ns: int
    value: float


Item: TypeAlias = Track | Slice | Value


def tracks(session: OpenSession) -> Iterator[Item]:
    """All processes: steps with their phases and loss, and the calls of the newest windows."""
    first = 1
    shifts_ns = unix_shifts(session.view().ranks)
    for process in session.timelines():
        for item in process_tracks(process, first, shifts_ns.get(process.key, 0)):
            first = max(first, item.number + 1) if isinstance(item, Track) else first
            yield item


def process_tracks(process: ProcessTimeline, first: int, shift_ns: int = 0) -> Iterator[Item]:
    """One process; its tracks are numbered from `first` on, and `shift_ns` is added to its times. What is before the
    epoch is left out."""
    for item in _all_items(process, first):
        if isinstance(item, Track):
            yield item
        elif isinstance(item, Slice) and item.start_unix_ns + shift_ns >= 0:
            yield replace(item, start_unix_ns=item.start_unix_ns + shift_ns) if shift_ns else item
        elif isinstance(item, Value) and item.unix_ns + shift_ns >= 0:
            yield replace(item, unix_ns=item.unix_ns + shift_ns) if shift_ns else item


def _all_items(process: ProcessTimeline, first: int) -> Iterator[Item]:
    numbers: dict[str, int] = {}

    def track(name: str, values: bool = False) -> Iterator[Track]:
        if name not in numbers:
            numbers[name] = first + len(numbers)
            yield Track(numbers[name], first, process.pid, name, values)

    yield from track(process.name)
    yield from track("steps")
    yield from _steps(process.steps, numbers["steps"])
    losses = _losses(process.steps)
    if losses:
        yield from track("loss", True)
        yield from (Value(numbers["loss"], unix_ns, loss) for unix_ns, loss in losses)
    for trace in process.traces:
        yield from track("phases")
        yield from _phases(trace, numbers["phases"])
        for thread, name in enumerate(trace.threads):
            yield from track(name)
            yield from _calls(trace, thread, numbers[name])
        for lane, slices in enumerate(_primitives(trace)):
            name = f"oneDNN {lane + 1}" if lane else "oneDNN"
            yield from track(name)
            yield from (Slice(numbers[name], one.start_unix_ns, one.duration_ns, one.name) for one in slices)


def _steps(steps: Steps, track: int) -> Iterator[Slice]:
    ended = 0
    for number, end_unix_ns, duration, phases in zip(
        steps.numbers, steps.end_unix_ns, steps.durations_ns, steps.phases_ns, strict=True
    ):
        start = max(ended, end_unix_ns - duration)  # clocks are read one after the other
        ended = max(ended, end_unix_ns)
        figures = {f"{name}_ms": time / 1e6 for name, time in zip(PHASES, phases, strict=True) if time}
        yield Slice(track, start, max(0, end_unix_ns - start), f"step {number}", figures)


def _losses(steps: Steps) -> list[tuple[int, float]]:
    pairs = zip(steps.end_unix_ns, steps.losses, strict=True)
    return [(unix_ns, loss) for unix_ns, loss in pairs if loss is not None and math.isfinite(loss)]


def _phases(trace: Trace, track: int) -> Iterator[Slice]:
    began: int | None = None
    for ended, phase in zip(trace.phases.end_ns.tolist(), trace.phases.phase.tolist(), strict=True):
        if began is not None and 0 <= phase < len(PHASES) and ended > began:
            yield Slice(track, trace.began_unix_ns + began, ended - began, PHASES[phase])
        began = ended


def _calls(trace: Trace, thread: int, track: int) -> Iterator[Slice]:
    import numpy as np

    calls = trace.calls
    described: dict[int, tuple[str, Mapping[str, str | float]]] = {}
    for call in np.flatnonzero(calls.thread == thread).tolist():
        place = int(calls.place[call])
        known = described.get(place)
        if known is None:
            known = described[place] = _described(trace, place)
        yield Slice(track, trace.began_unix_ns + int(calls.start_ns[call]), int(calls.duration_ns[call]), *known)


def _described(trace: Trace, place: int) -> tuple[str, Mapping[str, str | float]]:
    """The name of a call and what else is told of it."""
    if place == UNKNOWN:
        return "a minor operator", {}
    one = trace.places[place]
    frames = one.forward_frames or one.frames
    line = f"{frames[-1].file}:{frames[-1].line}" if frames else ""
    told = {
        "operator": one.key.name, "shapes": one.key.input_shapes, "dtypes": one.key.dtypes, "phase": one.phase,
        "module": one.module, "line": line,
    }  # fmt: skip
    return operator_text(one.key.name), {name: text for name, text in told.items() if text}


def _primitives(trace: Trace) -> list[list[Slice]]:
    """Primitives on as many tracks as it takes for none of them to overlap."""
    lanes: list[list[Slice]] = []
    uses = trace.primitives
    for start, duration, name in zip(
        uses.start_ns.tolist(), uses.duration_ns.tolist(), uses.name.tolist(), strict=True
    ):
        one = Slice(0, trace.began_unix_ns + start, duration, trace.primitive_names[name])
        lane = next((lane for lane in lanes if lane[-1].end_unix_ns <= one.start_unix_ns), None)
        if lane is not None:
            lane.append(one)
        elif len(lanes) < _LANES:
            lanes.append([one])
    return lanes


def moments(slices: Iterable[Slice]) -> Iterator[tuple[int, Slice | None]]:
    """The begins and ends (None) of the slices of one track, in order; slices nest."""
    open_slices: list[int] = []
    for one in slices:
        while open_slices and open_slices[-1] <= one.start_unix_ns:
            yield open_slices.pop(), None
        yield one.start_unix_ns, one
        open_slices.append(min([one.end_unix_ns, *open_slices[-1:]]))
    while open_slices:
        yield open_slices.pop(), None
