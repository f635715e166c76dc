"""Walks a window's raw event tree and fills its tables.

Three kinds of events matter: operators, Python functions and C calls. The walk visits parents before their children
and passes the call stack down. Torch places a function at its ``def``; the line that was executing is known only from
the functions it called (``caller``).

Times follow torch's rules: an operator's self time excludes its direct children, and an operator is merged with its
only child if both have the same name.
"""

from __future__ import annotations

from collections.abc import Iterator
from operator import attrgetter
from typing import Any

from .call_tree import CallTree, RunningFrame, calling_line
from .operator_table import OperatorTable
from .spans import Spans
from .tables import CALLS, NONE, SELF_NS, TOTAL_NS, ModuleTable, StringTable
from .torch_profiler import BACKWARD_PREFIX, NodeTypes

ForwardCall = tuple[int, int]
"""Node and module of the operator that created an autograd node."""
_UNKNOWN: ForwardCall = (NONE, NONE)


class _Level:
    """Siblings yet to be visited, and what they inherit from their parent."""

    __slots__ = ("forward", "frame", "module", "node", "remaining", "twin_name", "twin_row")

    remaining: Iterator[Any]
    node: int
    """The calling line, or the node above `frame`."""
    frame: RunningFrame | None
    module: int
    forward: ForwardCall | None
    """The forward call behind a backward pass; None in a forward pass."""
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
    level.twin_name = twin_name
    level.twin_row = twin_row
    return level


class Walk:
    """Visits all events of a window once."""

    def __init__(self, types: NodeTypes, module_paths: dict[int, str]) -> None:
        self._types = types
        self._py_call, self._py_c_call = types.py_call, types.py_c_call
        self.strings = StringTable()
        self.call_tree = CallTree(self.strings)
        self.operators = OperatorTable(types, self.strings)
        self.modules = ModuleTable(self.strings, module_paths)
        self.rows: dict[tuple[int, int, int, int, int], list[int]] = {}
        """Keyed by operator, node, forward node, module and backward."""
        self.events = 0
        self._made_by: dict[int, ForwardCall] = {}
        """Keyed by autograd sequence number."""

    def visit(self, roots: list[Any]) -> None:
        """Visit `roots` and all events below them, depth first."""
        # One loop with local names, because it runs on the training thread for thousands of events per window. Most
        # events are leaves; only those with children create a level.
        types, read = self._types, self._types.read
        torch_op, py_call, python_counts = types.torch_op, types.py_call, types.python_counts
        extra_of, children_of, name_of, duration_of = read.extra_fields, read.children, read.name, read.duration_ns
        inputs_of, sequence_of = read.inputs, read.sequence_number
        operator_index, call_tree, rows = self.operators.index, self.call_tree, self.rows
        spans, made_by = Spans(), self._made_by
        levels = [_level(sorted(roots, key=attrgetter("start_time_ns")), NONE, None, NONE, None)]
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

                if kind is not torch_op:
                    if frame is not None:
                        frame.last_call = extra
                    if not children and (kind is not py_call or extra.module is None):
                        continue
                    levels.append(self._level_of_call(level, event, extra, children))
                    break

                self_ns = duration_ns = duration_of(event)
                if children:
                    self_ns -= sum(map(duration_of, children))
                name = name_of(event)
                node = level.node if frame is None else frame.node(call_tree)
                forward = level.forward
                row = level.twin_row
                if row is not None and name == level.twin_name:
                    row[SELF_NS] += self_ns
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
                    key = (operator, node, forward_node, module, backward)
                    row = rows.get(key)
                    if row is None:
                        row = rows[key] = [operator, node, forward_node, module, 0, 0, 0, backward]
                    row[CALLS] += 1
                    row[SELF_NS] += self_ns
                    row[TOTAL_NS] += duration_ns
                    if not children and not inputs:
                        # An annotation. With stacks, its operators are not its children but lie within its time.
                        spans.add(event.start_time_ns, event.end_time_ns, row)
                if not children:
                    continue
                if not python_counts and any(type(child.extra_fields) is not torch_op for child in children):
                    row[SELF_NS] += duration_ns - self_ns
                    spans.add(event.start_time_ns, event.end_time_ns, row)
                self.events += len(children)
                twin_row = row if len(children) == 1 else None
                levels.append(_level(children, node, None, level.module, forward, name, twin_row))
                break
            else:
                levels.pop()

    def _level_of_call(self, level: _Level, event: Any, extra: Any, children: list[Any]) -> _Level:
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
        return _level(children, node, frame, module, level.forward)

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
