"""Summarizes a window's raw event tree by operator, call stack and module."""

from __future__ import annotations

import gc
from operator import itemgetter
from typing import NamedTuple

from .phase_spans import NO_SPANS, PhaseSpans
from .tables import NUMBER, SELF_NS
from .torch_profiler import EventTree, NodeTypes
from .trace import Trace
from .walk import Walk

MAX_ROWS = 6_000


class Summary(NamedTuple):
    """The tables of a `protocol.WindowEvent`, and the trace."""

    strings: list[str]
    frames: list[list[int]]
    nodes: list[list[int]]
    operators: list[list[int]]
    modules: list[list[int]]
    rows: list[list[int]]
    outside: list[list[int]]
    events: int
    operator_ns: int
    truncated: bool
    trace: Trace


def summarize(tree: EventTree, types: NodeTypes, module_paths: dict[int, str], spans: PhaseSpans = NO_SPANS) -> Summary:
    """Summarize a window; `module_paths` maps ``id(module)`` to the module's path in its root, and `spans` are the
    phases of its step."""
    # The walk creates no cyclic garbage, so a collection would only traverse the program's heap.
    collecting = gc.isenabled()
    gc.disable()
    try:
        walk = Walk(types, module_paths, spans)
        walk.visit(tree.roots)
        walk.modules.add_backward_to_parents()
        return _summary(walk, spans)
    finally:
        if collecting:
            gc.enable()


def _summary(walk: Walk, spans: PhaseSpans) -> Summary:
    rows = sorted(walk.rows.values(), key=itemgetter(SELF_NS), reverse=True)
    order = [-1] * len(rows)
    for place, row in enumerate(rows):
        if place < MAX_ROWS:
            order[row[NUMBER]] = place
        del row[NUMBER]
    return Summary(
        strings=walk.strings.texts(),
        frames=walk.call_tree.frames,
        nodes=walk.call_tree.nodes,
        operators=walk.operators.rows,
        modules=walk.modules.rows,
        rows=rows[:MAX_ROWS],
        outside=sorted(map(list, walk.outside.items()), key=itemgetter(1), reverse=True)[:MAX_ROWS],
        events=walk.events,
        operator_ns=sum(row[SELF_NS] for row in rows),
        truncated=len(rows) > MAX_ROWS,
        trace=Trace(walk.calls, order, walk.thread, spans.ends_ns, spans.phases),
    )
