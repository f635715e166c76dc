"""One step of a torch trace as the events that an agent would have written: its tables, and its calls in time.

The rules are those of torch's own tables: an operator's self time excludes its direct children, Python functions among
them, and an operator is merged with its only child if both have the same name.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from operator import itemgetter
from typing import Any

from profilednn_tui.protocol.events import TraceEvent, WindowEvent
from profilednn_tui.session.model.trace import MOST_CALLS, packed
from profilednn_tui.session.torch_trace.file import PYTHON, TorchEvent
from profilednn_tui.session.torch_trace.frames import Frames
from profilednn_tui.session.torch_trace.phases import Spans, spans_of

NONE = -1
MOST_ROWS = 6_000
BACKWARD = "autograd::engine::evaluate_function"
MODULE = "nn.Module: "
_DTYPES = {
    "float": "float32", "double": "float64", "half": "float16", "c10::Half": "float16", "c10::BFloat16": "bfloat16",
    "long int": "int64", "int": "int32", "long": "int64", "short": "int16", "signed char": "int8",
    "unsigned char": "uint8", "bool": "bool",
}  # fmt: skip
"""C++ names of types, as torch writes them there."""
_NO_TENSOR = frozenset({"", "Scalar", "ScalarList", "TensorList", "GenericList", "String"})


@dataclass(slots=True)
class _Call:
    """An event with what it inherits from those around it."""

    event: TorchEvent
    is_operator: bool
    parent: _Call | None
    outermost: bool
    """Whether it is in no operator."""
    children: int = 0
    below_ns: int = 0
    """Of its direct children."""
    row: list[int] | None = None
    number: int = 0
    """Of its row; `~number` for an only child of the same name."""
    forward: tuple[int, int] | None = None
    """Node and module behind a backward pass."""
    module: int = NONE
    phase: int | None = None

    @property
    def duration_ns(self) -> int:
        return self.event.end_ns - self.event.start_ns


@dataclass(slots=True)
class _Tables:
    strings: dict[str, int] = field(default_factory=dict)
    operators: dict[tuple[int, ...], int] = field(default_factory=dict)
    modules: dict[str, int] = field(default_factory=dict)
    """Number of each module, by its name."""
    module_rows: list[list[int]] = field(default_factory=list)
    rows: dict[tuple[int, ...], list[int]] = field(default_factory=dict)
    outside: dict[int, int] = field(default_factory=dict)

    def string(self, text: str) -> int:
        return self.strings.setdefault(text, len(self.strings))


@dataclass(frozen=True, slots=True)
class Step:
    """A step of a torch trace."""

    number: int
    window: WindowEvent
    trace: TraceEvent
    spans: Spans


def read_step(
    events: Sequence[TorchEvent], begin_ns: int, end_ns: int, step: int, window: int, thread: int, base_unix_ns: int
) -> Step:
    """Convert the events of a step, which runs from `begin_ns` to `end_ns` on `thread`."""
    calls = _nested(events)
    spans = spans_of([(call.event, call.outermost) for call in calls if call.is_operator], begin_ns, end_ns, thread)
    tables, frames = _Tables(), Frames()
    made_by: dict[int, tuple[int, int]] = {}
    for call in calls:
        _place(call, tables, frames, spans, made_by, thread)
    end_unix_ns = base_unix_ns + end_ns
    rows = sorted(tables.rows.values(), key=itemgetter(5), reverse=True)
    order = {id(row): place + 1 for place, row in enumerate(rows[:MOST_ROWS])}
    tables_of_frames = frames.tables(tables.string)
    event = WindowEvent(
        number=window,
        step=step,
        end_unix_ns=end_unix_ns,
        duration_ns=end_ns - begin_ns,
        cost_ns=0,
        summarize_ns=0,
        events=len(calls),
        stacks=any(not call.is_operator for call in calls),
        truncated=len(rows) > MOST_ROWS,
        operator_ns=sum(row[5] for row in rows),
        strings=[],
        frames=tables_of_frames[0],
        nodes=tables_of_frames[1],
        operators=[list(key) for key in tables.operators],
        modules=tables.module_rows,
        rows=rows[:MOST_ROWS],
        outside=sorted(map(list, tables.outside.items()), key=itemgetter(1), reverse=True)[:MOST_ROWS],
    )
    event.strings.extend(tables.strings)
    return Step(step, event, _trace(calls, order, event, begin_ns, base_unix_ns, thread, spans), spans)


def _nested(events: Sequence[TorchEvent]) -> list[_Call]:
    """The events by thread and time, each with the innermost one around it."""
    calls: list[_Call] = []
    for event in sorted(events, key=lambda one: (one.tid, one.start_ns, -one.end_ns)):
        around = calls[-1] if calls and calls[-1].event.tid == event.tid else None
        while around is not None and (around.event.end_ns <= event.start_ns or around.event.end_ns < event.end_ns):
            around = around.parent
        if around is not None:
            around.children += 1
            around.below_ns += event.end_ns - event.start_ns
        outermost = around is None or (around.outermost and not around.is_operator)
        calls.append(_Call(event, event.category != PYTHON, around, outermost))
    return calls


def _place(
    call: _Call,
    tables: _Tables,
    frames: Frames,
    spans: Spans,
    made_by: dict[int, tuple[int, int]],
    thread: int,
) -> None:
    """Add an event to the tables, after those around it."""
    parent, event = call.parent, call.event
    if parent is not None:
        call.forward, call.module, call.phase = parent.forward, parent.module, parent.phase
    if not call.is_operator:
        if event.name.startswith(MODULE):
            call.module = _enter_module(event, call.module, tables)
        frames.enter(event, id(call), id(parent) if parent is not None else 0)
        if event.tid == thread and call.outermost:
            node = frames.node(id(call))
            tables.outside[node] = tables.outside.get(node, 0) + call.duration_ns - call.below_ns
        return
    frames.enter(None, id(call), id(parent) if parent is not None else 0)
    own_ns = call.duration_ns - call.below_ns
    if parent is not None and parent.is_operator and parent.children == 1 and parent.event.name == event.name:
        call.row, call.number = parent.row, ~(parent.number if parent.number >= 0 else ~parent.number)
        assert call.row is not None
        call.row[5] += own_ns
        return
    node = frames.node(id(call))
    sequence = event.arguments.sequence
    if event.name.startswith(BACKWARD):
        call.forward = made_by.get(NONE if sequence is None else sequence, (NONE, NONE))
        if call.forward[1] != NONE:
            _add_backward(call.forward[1], call.duration_ns, tables)
    elif call.forward is None and sequence is not None and sequence >= 0:
        made_by[sequence] = node, call.module
    if call.phase is None:
        phase, whole = spans.phase(event.start_ns, event.end_ns)
        call.phase = phase if whole else None
    else:
        phase = call.phase
    forward_node, module = (NONE, call.module) if call.forward is None else call.forward
    key = (_operator(event, tables), node, forward_node, module, int(call.forward is not None), phase)
    row = tables.rows.get(key)
    if row is None:
        row = tables.rows[key] = [*key[:4], 0, 0, 0, *key[4:]]
    call.row, call.number = row, 0
    row[4] += 1
    row[5] += own_ns
    row[6] += call.duration_ns


def _enter_module(event: TorchEvent, around: int, tables: _Tables) -> int:
    """The number of a module, whose path is not told: its name is its class with a number, ``Conv2d_0``."""
    name = event.name.removeprefix(MODULE)
    number = tables.modules.setdefault(name, len(tables.modules))
    if number == len(tables.module_rows):
        tables.module_rows.append(
            [tables.string(name), tables.string(name.rpartition("_")[0] or name), 0, 0, 0, around]
        )
    row = tables.module_rows[number]
    row[2] += 1
    row[3] += event.end_ns - event.start_ns if number != around else 0
    return number


def _add_backward(module: int, time_ns: int, tables: _Tables) -> None:
    while module != NONE:
        tables.module_rows[module][4] += time_ns
        module = tables.module_rows[module][5]


def _operator(event: TorchEvent, tables: _Tables) -> int:
    dims, types = event.arguments.dims, event.arguments.types
    shapes = str(dims) if isinstance(dims, list) and dims else ""
    key = tuple(tables.string(text) for text in (event.name, shapes, _dtype(types), ""))
    return tables.operators.setdefault(key, len(tables.operators))


def _dtype(types: Any) -> str:
    """Of the first tensor, as torch names it in Python."""
    names = [name for name in types if isinstance(name, str)] if isinstance(types, list) else []
    first = next((name for name in names if name not in _NO_TENSOR), "")
    return _DTYPES.get(first, first)


def _trace(
    calls: Sequence[_Call],
    order: dict[int, int],
    window: WindowEvent,
    begin_ns: int,
    base_unix_ns: int,
    thread: int,
    spans: Spans,
) -> TraceEvent:
    operators = [call for call in calls if call.is_operator][:MOST_CALLS]
    places = [order.get(id(call.row), 0) for call in operators]
    ends = [time_ns - begin_ns for time_ns in spans.ends_ns]
    return TraceEvent(
        window=window.number,
        step=window.step,
        end_unix_ns=window.end_unix_ns,
        began_unix_ns=base_unix_ns + begin_ns,
        thread=thread,
        calls=len(operators),
        complete=len(operators) == sum(call.is_operator for call in calls),
        columns={
            "call.row": packed(
                [place if call.number >= 0 else ~place for call, place in zip(operators, places, strict=True)]
            ),
            "call.start_ns": packed([call.event.start_ns - begin_ns for call in operators]),
            "call.duration_ns": packed([call.duration_ns for call in operators]),
            "call.self_ns": packed([call.duration_ns - call.below_ns for call in operators]),
            "call.thread": packed([call.event.tid for call in operators]),
            "phase.end_ns": packed(ends),
            "phase.phase": packed(spans.phases),
        },
    )
