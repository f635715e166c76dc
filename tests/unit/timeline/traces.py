"""Traces written by hand."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from profilednn_tui.protocol.vocabulary import PHASES
from profilednn_tui.session.model.trace import _nested, _threads
from profilednn_tui.session.trace import PhaseSpans, Place, PrimitiveUses, Trace
from profilednn_tui.session.view import Frame, OperatorKey

FORWARD, BACKWARD = PHASES.index("forward"), PHASES.index("backward")
BEGAN_UNIX_NS = 1_790_000_000_000_000_000

Call = tuple[str, int, int] | tuple[str, int, int, int]
"""Name, start and end, and the profiler's number of the thread (1 for the training thread)."""


def place(name: str, phase: str = "forward", backward: bool = False) -> Place:
    frames = (Frame("/home/me/model.py", 4, "forward"),)
    return Place(OperatorKey(name, "[[8, 8]]", "float32"), phase, backward, "layer1", frames, ())


def trace(
    calls: Sequence[Call],
    phases: Sequence[tuple[int, int]] = ((0, -1), (1_000, FORWARD)),
    complete: bool = True,
    uses: Sequence[tuple[str, int, int]] = (),
    window: int = 3,
    step: int = 30,
    process: str = "process 4711",
    shift_ns: int = 0,
) -> Trace:
    """A window; self times are what the calls inside leave."""
    names = list(dict.fromkeys(call[0] for call in calls))
    places = np.array([names.index(call[0]) for call in calls], dtype=np.int64)
    starts = np.array([call[1] for call in calls], dtype=np.int64)
    durations = np.array([call[2] - call[1] for call in calls], dtype=np.int64)
    threads = np.array([call[3] if len(call) > 3 else 1 for call in calls], dtype=np.int64)
    numbers, thread_names = _threads(1, threads, durations)
    nested = _nested(places, starts, durations, durations, numbers)
    own = nested.duration_ns.copy()
    inner = nested.parent >= 0
    np.subtract.at(own, nested.parent[inner], nested.duration_ns[inner])
    use_names = tuple(dict.fromkeys(use[0] for use in uses))
    return Trace(
        process=process,
        window=window,
        step=step,
        began_unix_ns=BEGAN_UNIX_NS + shift_ns,
        duration_ns=phases[-1][0],
        complete=complete,
        threads=thread_names,
        places=tuple(
            place(name, "backward" if "backward" in name else "forward", "backward" in name) for name in names
        ),
        calls=replace(nested, self_ns=own),
        phases=PhaseSpans(np.array([end for end, _ in phases]), np.array([phase for _, phase in phases])),
        primitives=PrimitiveUses(
            np.array([use[1] for use in uses], dtype=np.int64),
            np.array([use[2] - use[1] for use in uses], dtype=np.int64),
            np.array([use_names.index(use[0]) for use in uses], dtype=np.int64),
        ),
        primitive_names=use_names,
    )


NESTED = trace(
    [
        ("aten::linear", 100, 400),
        ("aten::addmm", 150, 350),
        ("aten::copy_", 160, 170),
        ("aten::relu", 500, 520),
        ("aten::mm_backward", 600, 900),
    ],
    [(0, -1), (550, FORWARD), (1_000, BACKWARD)],
    uses=[("matmul brgemm", 200, 300)],
)
"""A forward and a backward pass with gaps between."""
