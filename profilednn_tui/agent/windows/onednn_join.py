"""oneDNN's primitives joined to the operators that called them.

A line of oneDNN carries its time since the epoch, as the profiler's events do: the operator that called a primitive is
the innermost one around it.
"""

from __future__ import annotations

import time
from bisect import bisect_left, bisect_right
from typing import Any

from ...protocol.events import PrimitivesEvent
from .summary import _Walk
from .torch_profiler import EventTree, NodeTypes

_NONE = -1

Chain = Any
"""(Operator, chain of the operator around it), or nothing."""


def join(tree: EventTree, types: NodeTypes, window: int, step: int) -> PrimitivesEvent:
    """Sum executions by the operators around them and by their text."""
    begin = time.perf_counter_ns()
    ran = sorted(tree.ran or ())
    names = _Walk(types, {})
    around = _operators_around([one.middle_ns for one in ran], tree.roots, types.torch_op, names)
    chains: dict[tuple[int, ...], int] = {}
    lines: dict[str, int] = {}
    rows: dict[tuple[int, int], list[int]] = {}
    for one, chain in zip(ran, around):
        path = _path(chain)
        number = chains.setdefault(path, len(chains)) if path else _NONE
        line = lines.get(one.text)
        if line is None:
            line = lines[one.text] = names._string(one.text)
        row = rows.setdefault((number, line), [0, 0])
        row[0] += 1
        row[1] += one.duration_ns
    return PrimitivesEvent(
        window=window,
        step=step,
        end_unix_ns=time.time_ns(),
        cost_ns=time.perf_counter_ns() - begin,
        strings=list(names._strings),
        operators=names._operator_rows,
        chains=[list(path) for path in chains],
        rows=[[*key, *figures] for key, figures in rows.items()],
    )


def _operators_around(times_ns: list[int], roots: list[Any], torch_op: Any, names: _Walk) -> list[Chain]:
    """For each of the ascending times the innermost operator, as a chain; only branches with a time in them are walked.

    On several threads operators overlap: the shortest around a time is taken.
    """
    chains: list[Chain] = [None] * len(times_ns)
    shortest = [1 << 62] * len(times_ns)
    first = bisect_right(times_ns, 0)  # those without a timestamp are joined to nothing
    pending: list[tuple[Any, Chain, str, int]] = [(event, None, "", 0) for event in roots]
    while pending:
        event, chain, outer, siblings = pending.pop()
        low = bisect_left(times_ns, event.start_time_ns, first)
        high = bisect_right(times_ns, event.end_time_ns, low)
        if low == high:
            continue
        extra, children, name = event.extra_fields, event.children, ""
        if type(extra) is torch_op:
            name = event.name
            if siblings != 1 or name != outer:  # as in the summary, where such a pair is one operator
                chain = (names._operator_index(name, extra.inputs), chain)
            duration_ns = event.duration_time_ns
            for index in range(low, high):
                if duration_ns < shortest[index]:
                    shortest[index], chains[index] = duration_ns, chain
        pending += [(child, chain, name, len(children)) for child in children]
    return chains


def _path(chain: Chain) -> tuple[int, ...]:
    path = []
    while chain is not None:
        operator, chain = chain
        path.append(operator)
    return tuple(reversed(path))
