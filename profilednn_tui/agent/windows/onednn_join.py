"""Joins oneDNN's primitives to the operators that called them.

oneDNN's log lines and the profiler's events both have timestamps since the epoch, so a primitive belongs to the
innermost operator around its time.
"""

from __future__ import annotations

import time
from bisect import bisect_left, bisect_right
from typing import Any, Optional

from ...protocol.events import PrimitivesEvent
from .operator_table import OperatorTable
from .tables import NONE, StringTable
from .torch_profiler import EventTree, NodeTypes
from .trace import Uses

Chain = Optional[tuple[int, Any]]
"""An operator and the chain of its enclosing operator; None outside of all operators."""

_LONGEST_NS = 1 << 62


def join(tree: EventTree, types: NodeTypes, window: int, step: int, uses: Uses) -> PrimitivesEvent:
    """Sum up executions and creations by enclosing operators and text of the log line; each is added to `uses`."""
    begin = time.perf_counter_ns()
    ran = sorted(tree.ran or ())
    strings = StringTable()
    operators = OperatorTable(types, strings)
    around = _operators_around([one.middle_ns for one in ran], tree.roots, types.torch_op, operators)
    chains: dict[tuple[int, ...], int] = {}
    lines: dict[str, int] = {}
    ran_rows: dict[tuple[int, int], list[int]] = {}
    created_rows: dict[tuple[int, int], list[int]] = {}
    for one, chain in zip(ran, around):
        path = _path(chain)
        number = chains.setdefault(path, len(chains)) if path else NONE
        line = lines.get(one.text)
        if line is None:
            line = lines[one.text] = strings.index(one.text)
        rows = created_rows if one.created else ran_rows
        row = rows.setdefault((number, line), [0, 0, len(rows)])
        row[0] += 1
        row[1] += one.duration_ns
        if one.middle_ns:
            uses.rows.append(~row[2] if one.created else row[2])
            uses.starts_ns.append(one.middle_ns - one.duration_ns // 2)
            uses.durations_ns.append(one.duration_ns)
    return PrimitivesEvent(
        window=window,
        step=step,
        end_unix_ns=time.time_ns(),
        cost_ns=time.perf_counter_ns() - begin,
        strings=strings.texts(),
        operators=operators.rows,
        chains=[list(path) for path in chains],
        rows=[[*key, *figures[:2]] for key, figures in ran_rows.items()],
        creations=[[*key, *figures[:2]] for key, figures in created_rows.items()],
        creations_logged=True,
    )


def _operators_around(times_ns: list[int], roots: list[Any], torch_op: Any, operators: OperatorTable) -> list[Chain]:
    """The chain around each of the times, which must be ascending; branches without any of them are skipped.

    Operators on different threads may overlap: the shortest one around a time wins.
    """
    chains: list[Chain] = [None] * len(times_ns)
    shortest_ns = [_LONGEST_NS] * len(times_ns)
    first = bisect_right(times_ns, 0)  # a line without a timestamp has time 0 and no operator
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
            if siblings != 1 or name != outer:  # the summary merges such pairs, too
                chain = (operators.index(name, extra.inputs), chain)
            duration_ns = event.duration_time_ns
            for index in range(low, high):
                if duration_ns < shortest_ns[index]:
                    shortest_ns[index], chains[index] = duration_ns, chain
        pending += [(child, chain, name, len(children)) for child in children]
    return chains


def _path(chain: Chain) -> tuple[int, ...]:
    path = []
    while chain is not None:
        operator, chain = chain
        path.append(operator)
    return tuple(reversed(path))
