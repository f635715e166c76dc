"""A stretch of a window's time: what ran in it, and how much of it no operator filled."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from profilednn_tui.protocol.vocabulary import PHASES
from profilednn_tui.session.trace import UNKNOWN, Calls, Integers, Place, Trace
from profilednn_tui.session.view import Operator, OperatorKey, Operators, Stack

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt


@dataclass(frozen=True, slots=True)
class Stretch:
    """A part of a window, in nanoseconds since its step began."""

    begin_ns: int
    end_ns: int

    @property
    def duration_ns(self) -> int:
        return self.end_ns - self.begin_ns


@dataclass(frozen=True, slots=True)
class PhaseTime:
    """The part of a phase that lies in a stretch."""

    name: str
    duration_ns: int


@dataclass(frozen=True, slots=True)
class Account:
    """Where a stretch of the training thread's time went: `busy_ns` and `gap_ns` add up to its duration."""

    stretch: Stretch
    calls: int
    """That lie in it at least in part, on all threads."""
    busy_ns: int
    """With an operator on the training thread; annotations and nodes of autograd are none."""
    gap_ns: int
    """Without one: Python, waiting, the loader."""
    gaps: int
    """Number of gaps."""
    phases: tuple[PhaseTime, ...]
    operators: Operators
    """Of the part of each call that lies in it; most self time first."""


def whole(trace: Trace) -> Stretch:
    """All that the trace has: its calls may begin before the step, and end after it."""
    calls = trace.calls
    if not len(calls):
        return Stretch(0, trace.duration_ns)
    return Stretch(min(0, int(calls.start_ns.min())), max(trace.duration_ns, int(calls.end_ns.max())))


def account(trace: Trace, stretch: Stretch) -> Account:
    """Sum up a stretch. A call that reaches out of it counts with the part that lies in it."""
    import numpy as np

    calls = trace.calls
    inside = overlap(calls, stretch)
    own = _own(calls, inside)
    touched = (calls.end_ns >= stretch.begin_ns) & (calls.start_ns <= stretch.end_ns)
    touched &= (inside > 0) | ((calls.start_ns >= stretch.begin_ns) & (calls.end_ns <= stretch.end_ns))
    outermost = np.flatnonzero(trace.outermost_operators() & touched)
    busy_ns = int(inside[outermost].sum())
    return Account(
        stretch=stretch,
        calls=int(touched.sum()),
        busy_ns=busy_ns,
        gap_ns=stretch.duration_ns - busy_ns,
        gaps=_gaps(calls, outermost, stretch),
        phases=phase_times(trace, stretch),
        operators=_operators(trace, touched, own, inside),
    )


def overlap(calls: Calls, stretch: Stretch) -> Integers:
    """How much of each call lies in a stretch."""
    import numpy as np

    inside = np.minimum(calls.end_ns, stretch.end_ns) - np.maximum(calls.start_ns, stretch.begin_ns)
    clipped: Integers = np.maximum(inside, 0)
    return clipped


def phase_times(trace: Trace, stretch: Stretch) -> tuple[PhaseTime, ...]:
    """The phases in a stretch, in the order of `PHASES`; those without time are left out."""
    import numpy as np

    ends = trace.phases.end_ns
    begins = np.concatenate([ends[:1], ends[:-1]])
    inside = np.minimum(ends, stretch.end_ns) - np.maximum(begins, stretch.begin_ns)
    times = np.zeros(len(PHASES), dtype=np.int64)
    known = (inside > 0) & (trace.phases.phase >= 0) & (trace.phases.phase < len(PHASES))
    np.add.at(times, trace.phases.phase[known], inside[known])
    return tuple(PhaseTime(name, int(time)) for name, time in zip(PHASES, times, strict=True) if time)


def _own(calls: Calls, inside: Integers) -> Integers:
    """The self time in the stretch: as recorded for calls that lie in it, and the rest of their children's for those
    that reach out of it."""
    import numpy as np

    below = np.zeros(len(calls), dtype=np.int64)
    child = calls.parent != UNKNOWN
    np.add.at(below, calls.parent[child], inside[child])
    return np.where(inside == calls.duration_ns, calls.self_ns, np.maximum(inside - below, 0))


def _gaps(calls: Calls, outermost: Integers, stretch: Stretch) -> int:
    """Number of times without an operator between the outermost calls, and before and after them."""
    import numpy as np

    begins = np.append(calls.start_ns[outermost], stretch.end_ns)
    ends = np.insert(calls.end_ns[outermost], 0, stretch.begin_ns)
    return int((begins > ends).sum())


def _operators(trace: Trace, touched: npt.NDArray[np.bool_], own: Integers, inside: Integers) -> Operators:
    """The operators as the tables show them, with one stack for each place."""
    import numpy as np

    place = trace.calls.place
    chosen = touched & (place != UNKNOWN)
    count = len(trace.places)
    calls, own_ns, total_ns = (
        np.bincount(place[chosen], minlength=count),
        _sums(place[chosen], own[chosen], count),
        _sums(place[chosen], inside[chosen], count),
    )
    everything = int(own[touched].sum())
    found: dict[OperatorKey, list[tuple[Place, int, int, int]]] = {}
    for number in np.flatnonzero(calls).tolist():
        one = trace.places[number]
        figures = (one, int(calls[number]), int(own_ns[number]), int(total_ns[number]))
        found.setdefault(one.key, []).append(figures)
    rows = [_operator(key, places, everything) for key, places in found.items()]
    rows.sort(key=lambda row: (-row.self_ns_per_step, row.key.name, row.key.input_shapes))
    return Operators(
        windows=(trace.window,),
        step=trace.step,
        rows=tuple(rows),
        self_ns_per_step=float(everything),
        profiled_step_ns=float(trace.duration_ns),
        stacks=any(one.frames for one in trace.places),
        truncated=not trace.complete,
        steps=(trace.step,),
    )


def _sums(place: Integers, values: Integers, count: int) -> Integers:
    import numpy as np

    sums = np.zeros(count, dtype=np.int64)
    np.add.at(sums, place, values)
    return sums


def _operator(key: OperatorKey, places: list[tuple[Place, int, int, int]], everything_ns: int) -> Operator:
    places = sorted(places, key=lambda one: -one[2])
    own_ns = sum(own for _, _, own, _ in places)
    backward_ns = sum(own for place, _, own, _ in places if place.backward)
    by_phase: dict[str, int] = {}
    for place, _, own, _ in places:
        by_phase[place.phase] = by_phase.get(place.phase, 0) + own + 1
    return Operator(
        key=key,
        calls_per_step=float(sum(calls for _, calls, _, _ in places)),
        self_ns_per_step=float(own_ns),
        total_ns_per_step=float(sum(total for _, _, _, total in places)),
        share=own_ns / everything_ns if everything_ns else 0.0,
        backward=backward_ns * 2 > own_ns,
        trend=None,
        modules=tuple(dict.fromkeys(place.module for place, *_ in places if place.module)),
        stacks=tuple(
            Stack(place.frames, place.forward_frames, place.module, calls, own, total, place.phase)
            for place, calls, own, total in places
        ),
        phase=max(by_phase, key=lambda name: by_phase[name]),
    )


def within(operators: Operators, whole_view: Operators) -> Operators:
    """Operators of a stretch as part of a view: what the calls do not tell is that of the window."""
    return replace(operators, end_unix_ns=whole_view.end_unix_ns)
