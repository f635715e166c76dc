"""Reads the calls of a window: joins them with the tables of the window, and nests them by thread."""

from __future__ import annotations

import zlib
from binascii import Error as Base64Error
from binascii import a2b_base64, b2a_base64
from collections.abc import Sequence
from typing import TYPE_CHECKING

from profilednn_tui.protocol.events import TraceEvent, WindowEvent
from profilednn_tui.session.model.tables import Tables, phase_name
from profilednn_tui.session.trace import UNKNOWN, Calls, Integers, PhaseSpans, Place, PrimitiveUses, Trace

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

MOST_CALLS = 200_000
"""Per column."""
_ITEM_BYTES = 8
DEEPEST = 500
"""Calls around a call: each depth is a line on the screen."""
LONGEST_NS = 10**15
"""Bound on times within a window: no step takes eleven days."""


def read_trace(process: str, event: TraceEvent, window: WindowEvent, primitives: Sequence[tuple[str, ...]]) -> Trace:
    """Read the trace of a window of a process, which is called `process`; a `ValueError` if it does not fit the window.

    `primitives` are the names of the window's rows of oneDNN primitives, and of those for their creations.
    """
    import numpy as np

    if (event.window, event.step, event.end_unix_ns) != (window.number, window.step, window.end_unix_ns):
        raise ValueError("a trace of another window")
    if not 0 <= event.began_unix_ns <= event.end_unix_ns or event.end_unix_ns - event.began_unix_ns > LONGEST_NS:
        raise ValueError("a trace at no possible time")
    rows, starts, durations, selves, threads = _columns(
        event, "call.row", "call.start_ns", "call.duration_ns", "call.self_ns", "call.thread"
    )
    places = _places(window)
    twin = rows < 0
    row = np.where(twin, ~rows, rows) - 1
    if len(row) and (row.min() < UNKNOWN or row.max() >= len(places)):
        raise ValueError("a trace with a call of no row")
    _check_times(starts, durations)
    selves = _with_twins(selves, twin)
    kept = ~twin
    numbers, names = _threads(event.thread, threads[kept], durations[kept])
    calls = _nested(row[kept], starts[kept], durations[kept], selves[kept], numbers)
    ends, phases = _columns(event, "phase.end_ns", "phase.phase")
    _check_times(ends, ends[:0])
    use_rows, use_starts, use_durations = _columns(
        event, "primitive.row", "primitive.start_ns", "primitive.duration_ns"
    )
    _check_times(use_starts, use_durations)
    uses, use_names = _uses(use_rows, use_starts, use_durations, primitives)
    return Trace(
        process=process,
        window=event.window,
        step=event.step,
        began_unix_ns=event.began_unix_ns,
        duration_ns=int(ends[-1]) if len(ends) and ends[-1] > 0 else window.duration_ns,
        complete=event.complete,
        threads=names,
        places=places,
        calls=calls,
        phases=PhaseSpans(ends, phases),
        primitives=uses,
        primitive_names=use_names,
    )


def _columns(event: TraceEvent, *names: str) -> list[Integers]:
    """Columns of equal length; those that are missing are empty, all of them if one is."""
    import numpy as np

    columns = [_unpacked(event.columns.get(name, "")) for name in names]
    if len({len(column) for column in columns}) > 1:
        return [np.zeros(0, dtype=np.int64) for _ in names]
    return columns


def _unpacked(text: str) -> Integers:
    """The integers of a column; a `ValueError` if it is damaged or longer than any of ours."""
    import numpy as np

    if not text:
        return np.zeros(0, dtype=np.int64)
    limit = MOST_CALLS * _ITEM_BYTES
    try:
        planes = zlib.decompressobj().decompress(a2b_base64(text), limit + 1)
    except (Base64Error, zlib.error) as error:
        raise ValueError(f"a damaged column ({error})") from None
    if len(planes) > limit or len(planes) % _ITEM_BYTES:
        raise ValueError("a column of no possible length")
    items = np.frombuffer(planes, dtype=np.uint8).reshape(_ITEM_BYTES, -1).T
    return np.ascontiguousarray(items).view("<i8").reshape(-1).astype(np.int64)


def packed(values: Sequence[int]) -> str:
    """A column as an agent would write it."""
    import numpy as np

    planes = np.array(values, dtype="<i8").view(np.uint8).reshape(-1, _ITEM_BYTES).T.tobytes()
    return b2a_base64(zlib.compress(planes, 1), newline=False).decode("ascii")


def _check_times(starts: Integers, durations: Integers) -> None:
    if len(starts) and max(int(starts.max()), -int(starts.min())) > LONGEST_NS:
        raise ValueError("a trace with times out of range")
    if len(durations) and (int(durations.min()) < 0 or int(durations.max()) > LONGEST_NS):
        raise ValueError("a trace with durations out of range")


def _with_twins(selves: Integers, twin: npt.NDArray[np.bool_]) -> Integers:
    """Self times with those of only children of the same name added to the calls around them, which come right
    before."""
    import numpy as np

    owners = np.maximum.accumulate(np.where(twin, 0, np.arange(len(selves))))
    sums: Integers = np.zeros(len(selves), dtype=np.int64)
    np.add.at(sums, owners, selves)
    return sums


def _places(window: WindowEvent) -> tuple[Place, ...]:
    tables = Tables()
    numbered = tables.read(window)
    found = []
    for row, number in zip(window.rows, numbered.places.tolist(), strict=True):
        operator, node, forward_node, module, phase = tables.place_values[number]
        found.append(
            Place(
                tables.operator_keys[operator],
                phase_name(phase),
                bool(row[7]),
                tables.module_path(module),
                tables.frames(node),
                tables.frames(forward_node),
            )
        )
    return tuple(found)


def _threads(training: int, threads: Integers, durations: Integers) -> tuple[Integers, tuple[str, ...]]:
    """The threads numbered, the training thread first: the one that is known as such, else the busiest."""
    import numpy as np

    distinct, index = np.unique(threads, return_inverse=True)
    index = index.reshape(-1)
    busy = np.bincount(index, weights=durations, minlength=len(distinct))
    order = sorted(range(len(distinct)), key=lambda one: (int(distinct[one]) != training, -busy[one]))
    place = np.zeros(len(distinct), dtype=np.int64)
    place[order] = np.arange(len(distinct))
    names = ("training thread", *(f"thread {number}" for number in range(2, len(distinct) + 1)))
    return place[index], names[: max(1, len(distinct))]


def _nested(place: Integers, starts: Integers, durations: Integers, selves: Integers, threads: Integers) -> Calls:
    """Calls ordered by thread and time, each with the innermost call around it."""
    import numpy as np

    order = np.lexsort((-durations, starts, threads))
    place, starts, durations, selves, threads = (
        column[order] for column in (place, starts, durations, selves, threads)
    )
    depth, parent = [], []
    open_calls: list[tuple[int, int]] = []
    last_thread = UNKNOWN
    ends = (starts + durations).tolist()
    for call, (start, end, thread) in enumerate(zip(starts.tolist(), ends, threads.tolist(), strict=True)):
        if thread != last_thread:
            last_thread = thread
            open_calls.clear()
        while open_calls and (open_calls[-1][0] <= start or open_calls[-1][0] < end):
            open_calls.pop()
        if len(open_calls) > DEEPEST:
            raise ValueError("a trace with calls that are nested too deeply")
        depth.append(len(open_calls))
        parent.append(open_calls[-1][1] if open_calls else UNKNOWN)
        open_calls.append((end, call))
    return Calls(
        place, starts, durations, selves, threads,
        np.array(depth, dtype=np.int64), np.array(parent, dtype=np.int64),
    )  # fmt: skip


def _uses(
    rows: Integers, starts: Integers, durations: Integers, primitives: Sequence[tuple[str, ...]]
) -> tuple[PrimitiveUses, tuple[str, ...]]:
    import numpy as np

    ran, created = primitives
    names = (*ran, *(f"creation of {name}" for name in created), "an unknown primitive")
    index = np.where(rows >= 0, rows, len(ran) + ~rows)
    known = np.where(rows >= 0, rows < len(ran), ~rows < len(created))
    order = np.argsort(starts, kind="stable")
    return PrimitiveUses(starts[order], durations[order], np.where(known, index, len(names) - 1)[order]), names
