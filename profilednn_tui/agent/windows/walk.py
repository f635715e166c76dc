"""Walks a window's raw event tree and fills its tables.

Three kinds of events matter: operators, Python functions and C calls. The walk visits parents before their children
and passes the call stack down. Torch places a function at its ``def``; the line that was executing is known only from
the functions it called (``caller``).

Times follow torch's rules: an operator's self time excludes its direct children, and an operator is merged with its
only child if both have the same name. The time that the training thread spends outside of operators is summed by call
stack as well.
"""

from __future__ import annotations

from collections.abc import Iterator
from operator import attrgetter
from typing import Any

from .call_tree import CallTree, RunningFrame, calling_line
from .operator_table import OperatorTable
from .phase_spans import NO_SPANS, PhaseSpans
from .spans import Spans
from .tables import CALLS, NODE, NONE, NUMBER, SELF_NS, TOTAL_NS, ModuleTable, StringTable
from .torch_profiler import BACKWARD_PREFIX, STARTING_FUNCTION, NodeTypes
from .trace import Calls

ForwardCall = tuple[int, int]
"""Node and module of the operator that created an autograd node."""
_UNKNOWN: ForwardCall = (NONE, NONE)


SHORT_NS = 20_000
"""Calls that spend less than this outside of operators have no entry of their own."""


class _Level:
    """Siblings yet to be visited, and what they inherit from their parent."""

    __slots__ = ("edge", "forward", "frame", "left_ns", "module", "node", "phase", "remaining", "twin_name", "twin_row")

    remaining: Iterator[Any]
    node: int
    """The calling line, or the node above `frame`."""
    frame: RunningFrame | None
    module: int
    forward: ForwardCall | None
    """The forward call behind a backward pass; None in a forward pass."""
    phase: int | None
    """The phase of the operator above; None outside of operators, or if it was in several."""
    left_ns: int | None
    """What is left of a call's time for the call itself; None unless it is the training thread's and outside of
    operators."""
    edge: bool
    """Whether the events may begin before the step or end after it; so may the roots."""
    twin_name: str
    """Name of the operator right above."""
    twin_row: list[int] | None
    """Row of the operator right above; None if it has several children."""


def _level(
    events: list[Any],
    node: int,
    frame: RunningFrame | None,
    module: int,
    forward: ForwardCall | None,
    phase: int | None = None,
    left_ns: int | None = None,
    twin_name: str = "",
    twin_row: list[int] | None = None,
) -> _Level:
    # Cheaper than `__init__`, and almost every second event creates a level.
    level = _Level()
    level.remaining = iter(events)
    level.node = node
    level.frame = frame
    level.module = module
    level.forward = forward
    level.phase = phase
    level.edge = False
    level.left_ns = left_ns
    level.twin_name = twin_name
    level.twin_row = twin_row
    return level


class Walk:
    """Visits all events of a window once."""

    def __init__(self, types: NodeTypes, module_paths: dict[int, str], spans: PhaseSpans = NO_SPANS) -> None:
        self._types = types
        self._py_call, self._py_c_call = types.py_call, types.py_c_call
        self.strings = StringTable()
        self.call_tree = CallTree(self.strings)
        self.operators = OperatorTable(types, self.strings)
        self.modules = ModuleTable(self.strings, module_paths)
        self.rows: dict[tuple[int, int, int, int, int, int], list[int]] = {}
        """Keyed by operator, node, forward node, module, backward and phase."""
        self.outside: dict[int, int] = {}
        """Nanoseconds of the training thread outside of operators, by node."""
        self._annotations: dict[int, list[int]] = {}
        """Rows of annotations outside of operators, whose own time is part of that of the calls around and inside."""
        self._phases = spans
        self.events = 0
        self.calls = Calls()
        self.thread = 0
        """The profiler's number of the training thread; 0 if unknown."""
        self._made_by: dict[int, ForwardCall] = {}
        """Keyed by autograd sequence number."""

    def visit(self, roots: list[Any]) -> None:
        """Visit `roots` and all events below them, depth first."""
        # One loop with local names, because it runs on the training thread for thousands of events per window. Most
        # events are leaves; only those with children create a level.
        types, read = self._types, self._types.read
        torch_op, py_call, python_counts = types.torch_op, types.py_call, types.python_counts
        extra_of, children_of, name_of, duration_of = read.extra_fields, read.children, read.name, read.duration_ns
        inputs_of, sequence_of, start_of, thread_of = read.inputs, read.sequence_number, read.start_ns, read.thread
        phase_of = self._phases.phase
        operator_index, call_tree, rows = self.operators.index, self.call_tree, self.rows
        calls, made_by = self.calls, self._made_by
        add_row, add_start, add_duration = calls.rows.append, calls.starts_ns.append, calls.durations_ns.append
        add_self, add_thread = calls.selves_ns.append, calls.threads.append
        spans = Spans(calls.selves_ns)
        thread = _training_thread(roots)
        self.thread = thread or 0
        levels = [_level(sorted(roots, key=attrgetter("start_time_ns")), NONE, None, NONE, None)]
        levels[0].edge = self._phases.ended_ns > 0
        self.events += len(roots)
        while levels:
            level = levels[-1]
            frame = level.frame
            for event in level.remaining:
                extra = extra_of(event)
                kind = type(extra)
                children = children_of(event)
                if spans.open and (kind is torch_op or python_counts):
                    end_ns = event.end_time_ns
                    if end_ns > spans.covered_ns:
                        spans.subtract(event.start_time_ns, end_ns)

                left_ns = level.left_ns
                if kind is not torch_op:
                    if frame is not None:
                        frame.last_call = extra
                    no_level = not children and (kind is not py_call or extra.module is None)
                    if no_level and (left_ns is None or duration_of(event) < SHORT_NS):
                        continue
                    levels.append(self._level_of_call(level, event, extra, children, thread))
                    break

                self_ns = duration_ns = duration_of(event)
                if children:
                    self_ns -= sum(map(duration_of, children))
                start_ns = start_of(event)
                add_start(start_ns)
                add_duration(duration_ns)
                add_self(self_ns)
                add_thread(thread_of(event))
                name = name_of(event)
                node = level.node if frame is None else frame.node(call_tree)
                forward = level.forward
                below = level.phase
                row = level.twin_row
                if row is not None and name == level.twin_name:
                    row[SELF_NS] += self_ns
                    add_row(~row[NUMBER])
                else:
                    if name.startswith(BACKWARD_PREFIX):
                        forward = self._forward_call(extra, duration_ns)
                    elif forward is None and (sequence := sequence_of(extra)) >= 0:
                        # Several operators get an autograd node's number; the last of them created the node.
                        made_by[sequence] = (node, level.module)
                    inputs = inputs_of(extra)
                    operator = operator_index(name, inputs)
                    if forward is None:
                        forward_node, module, backward = NONE, level.module, 0
                    else:
                        (forward_node, module), backward = forward, 1
                    phase = level.phase
                    if phase is None:
                        phase, whole = phase_of(start_ns, start_ns + duration_ns)
                        below = phase if whole else None
                    else:
                        below = phase
                    key = (operator, node, forward_node, module, backward, phase)
                    row = rows.get(key)
                    if row is None:
                        number = len(rows)
                        row = rows[key] = [operator, node, forward_node, module, 0, 0, 0, backward, phase, number]
                    row[CALLS] += 1
                    row[SELF_NS] += self_ns
                    row[TOTAL_NS] += duration_ns
                    add_row(row[NUMBER])
                    if not children and not inputs:
                        # An annotation. With stacks, its operators are not its children but lie within its time.
                        spans.add(start_ns, event.end_time_ns, row)
                        if left_ns is not None:
                            self._annotations[id(row)] = row
                            left_ns = None
                if left_ns is not None:
                    level.left_ns = left_ns - (self._clipped_ns(event) if level.edge else duration_ns)
                if not children:
                    continue
                if not python_counts and any(type(child.extra_fields) is not torch_op for child in children):
                    row[SELF_NS] += duration_ns - self_ns
                    calls.selves_ns[-1] = duration_ns
                    spans.add(start_ns, event.end_time_ns, row)
                self.events += len(children)
                twin_row = row if len(children) == 1 else None
                levels.append(_level(children, node, None, level.module, forward, below, None, name, twin_row))
                break
            else:
                levels.pop()
                if level.left_ns:
                    self._leave_call(level, levels[-1])
        for row in self._annotations.values():
            node = row[NODE]
            self.outside[node] = self.outside.get(node, 0) - row[SELF_NS]

    def _level_of_call(self, level: _Level, event: Any, extra: Any, children: list[Any], thread: int | None) -> _Level:
        """The level below an event that is not an operator."""
        self.events += len(children)
        node, frame, module = level.node, level.frame, level.module
        kind = type(extra)
        if kind is self._py_call:
            info = extra.module
            if info is not None:
                module = self._enter_module(info, module, event)
            frame = RunningFrame(extra, frame, node)
        elif kind is self._py_c_call and frame is not None:
            node, frame = self.call_tree.node(frame.above(self.call_tree), calling_line(extra)), None
        below = _level(children, node, frame, module, level.forward, level.phase)
        if level.left_ns is not None:
            below.left_ns = self._clipped_ns(event) if level.edge else event.duration_time_ns
            below.edge = level.edge and below.left_ns < event.duration_time_ns
            level.left_ns -= below.left_ns
        elif level.edge and event.start_tid == thread:
            below.left_ns, below.edge = self._clipped_ns(event), True
        return below

    def _leave_call(self, level: _Level, above: _Level) -> None:
        """Book what is left of a call's time: a little counts as the calling function's own."""
        left_ns = level.left_ns or 0
        if above.left_ns is not None and left_ns < SHORT_NS:
            above.left_ns += left_ns
            return
        tree, frame = self.call_tree, level.frame
        if frame is not None and frame.is_ours(tree):
            return
        node = level.node if frame is None else frame.definition(tree)
        self.outside[node] = self.outside.get(node, 0) + left_ns

    def _clipped_ns(self, event: Any) -> int:
        """The part of an event's time that lies in the step."""
        began_ns, ended_ns = self._phases.began_ns, self._phases.ended_ns
        return max(0, int(min(ended_ns, event.end_time_ns) - max(began_ns, event.start_time_ns)))

    def _enter_module(self, info: Any, parent: int, event: Any) -> int:
        index = self.modules.index(info, parent)
        # If a module calls itself, the outer call's time includes the inner one's.
        self.modules.add_call(index, event.duration_time_ns if index != parent else 0)
        return index

    def _forward_call(self, extra: Any, duration_ns: int) -> ForwardCall:
        """The forward call whose autograd node is running; its module gets the time."""
        forward = self._made_by.get(self._types.read.sequence_number(extra), _UNKNOWN)
        module = forward[1]
        if module != NONE:
            self.modules.add_backward(module, duration_ns)
        return forward


def _training_thread(roots: list[Any]) -> int | None:
    """The profiler's number of the thread that opened the window: there, the innermost of the frames that were
    already running is torch's own that starts the profiler. None without stacks."""
    for root in roots:
        event = root
        while event is not None:
            running = getattr(event.extra_fields, "callsite", None)
            if running is None:
                break
            if running.function_name == STARTING_FUNCTION:
                return int(root.start_tid)
            event = next(iter(event.children), None)
    return None
