"""The calls of one window in time, as frozen values.

Times are in nanoseconds since the window's step began. Columns are arrays of equal length.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

from profilednn_tui.session.view import Frame, OperatorKey

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

Integers: TypeAlias = "npt.NDArray[np.int64]"

UNKNOWN = -1
"""For no place, no phase and no enclosing call."""


@dataclass(frozen=True, slots=True)
class Place:
    """What the calls of one row of a window have in common."""

    key: OperatorKey
    phase: str
    backward: bool
    module: str
    frames: tuple[Frame, ...]
    """Outermost first."""
    forward_frames: tuple[Frame, ...]
    """For a backward operator: where the forward pass created its work."""


@dataclass(frozen=True, slots=True, eq=False)
class Calls:
    """Calls of operators: thread by thread, and in each in the order in which they began, outer ones first."""

    place: Integers
    """Index in `Trace.places`; `UNKNOWN` for a minor one that the window has left out."""
    start_ns: Integers
    duration_ns: Integers
    self_ns: Integers
    thread: Integers
    """Index in `Trace.threads`."""
    depth: Integers
    """0 for a call that is in no other one on its thread."""
    parent: Integers
    """Index of the call around it; `UNKNOWN` for an outermost one."""

    def __len__(self) -> int:
        return len(self.place)

    @property
    def end_ns(self) -> Integers:
        ends: Integers = self.start_ns + self.duration_ns
        return ends


@dataclass(frozen=True, slots=True, eq=False)
class PhaseSpans:
    """What the training thread was doing: consecutive spans, of which each ends where the next one begins."""

    end_ns: Integers
    phase: Integers
    """Place in `PHASES`; `UNKNOWN` outside of the step, and for time spent by the profiler itself."""


@dataclass(frozen=True, slots=True, eq=False)
class PrimitiveUses:
    """Executions and creations of oneDNN primitives, in the order of their times."""

    start_ns: Integers
    duration_ns: Integers
    name: Integers
    """Index in `Trace.primitive_names`."""


@dataclass(frozen=True, slots=True, eq=False)
class Trace:
    """One window."""

    process: str
    """``rank 1``, or ``process 4711``."""
    window: int
    step: int
    began_unix_ns: int
    duration_ns: int
    """Of the step."""
    complete: bool
    """Whether all calls are here; else the first ones."""
    threads: tuple[str, ...]
    """The training thread first."""
    places: tuple[Place, ...]
    calls: Calls
    phases: PhaseSpans
    primitives: PrimitiveUses
    primitive_names: tuple[str, ...]

    def name(self, call: int) -> str:
        """The operator's name."""
        place = int(self.calls.place[call])
        return self.places[place].key.name if place != UNKNOWN else "a minor operator"

    def outermost_operators(self) -> npt.NDArray[np.bool_]:
        """Which calls are operators of the training thread that are in no other one.

        Annotations and the nodes of autograd, which have no inputs, are no operators: what is in them counts by itself.
        """
        import numpy as np

        calls = self.calls
        operator_of = np.array([bool(place.key.input_shapes) for place in self.places] + [True])  # the last: `UNKNOWN`
        operator = operator_of[calls.place]
        covered = np.zeros(len(calls), dtype=bool)
        for depth in range(1, int(calls.depth.max()) + 1 if len(calls) else 0):
            inner = np.flatnonzero(calls.depth == depth)
            around = calls.parent[inner]
            covered[inner] = covered[around] | operator[around]
        chosen: npt.NDArray[np.bool_] = operator & ~covered & (calls.thread == 0)
        return chosen
