"""One window's raw event tree -> operators, call stacks and modules.

The tree holds three kinds of nodes that count here: operators, Python frames and C calls. One walk, parents before
children, carries the call stack down. A frame's own line is that of its ``def``; where it was executing is known
from its callee (``caller``), so a frame enters the stack when something it called is met.

Times follow torch's own rule: an operator's self time is its duration without its direct children's, and an operator
whose only child has the same name is one operator, not two.
"""

from __future__ import annotations

import gc
import os
import sys
from functools import cache, lru_cache
from operator import attrgetter, itemgetter
from typing import Any, Callable, NamedTuple

from .torch_profiler import BACKWARD_PREFIX, EventTree, NodeTypes

MAX_ROWS = 6_000
_OUR_FILES = os.path.join("profilednn_tui", "agent") + os.sep
_NONE = -1

_NOWHERE = (_NONE, _NONE)

FrameKey = tuple[str, int, str]
Sizes = tuple[int, ...]


class Summary(NamedTuple):
    """The tables of a `protocol.Window`."""

    strings: list[str]
    frames: list[list[int]]
    nodes: list[list[int]]
    operators: list[list[int]]
    modules: list[list[int]]
    rows: list[list[int]]
    events: int
    operator_ns: int
    truncated: bool


def summarize(tree: EventTree, types: NodeTypes, module_paths: dict[int, str]) -> Summary:
    """Summarize a window; `module_paths` maps ``id(module)`` to the module's path in its root."""
    # A collection in here would walk the program's whole heap for garbage that we do not make.
    collecting = gc.isenabled()
    gc.disable()
    try:
        return _Walk(types, module_paths).run(tree)
    finally:
        if collecting:
            gc.enable()


class _Walk:
    def __init__(self, types: NodeTypes, module_paths: dict[int, str]) -> None:
        self._types = types
        self._tensor = types.tensor
        self._strided, self._layout_of = types.strided, types.read.layout
        self._sizes_of, self._dtype_of = types.read.sizes, types.read.dtype
        self._module_paths = module_paths
        self._events = 0
        self._strings: dict[str, int] = {}
        self._frames: dict[FrameKey, int] = {}
        self._frame_rows: list[list[int]] = []
        self._nodes: dict[tuple[int, FrameKey], int] = {}
        self._node_rows: list[list[int]] = []
        self._operators: dict[Any, int] = {}
        self._operator_rows: list[list[int]] = []
        self._modules: dict[int, int] = {}
        self._module_rows: list[list[int]] = []
        self._rows: dict[tuple[int, int, int, int, int], list[int]] = {}
        self._is_ours: dict[str, bool] = {}

    def run(self, tree: EventTree) -> Summary:
        self._walk(sorted(tree.roots, key=attrgetter("start_time_ns")))
        self._sum_backward_over_parents()
        rows = [[*key[:4], *figures, key[4]] for key, figures in self._rows.items()]
        rows.sort(key=itemgetter(5), reverse=True)
        return Summary(
            list(self._strings),
            self._frame_rows,
            self._node_rows,
            self._operator_rows,
            self._module_rows,
            rows[:MAX_ROWS],
            self._events,
            sum(row[5] for row in rows),
            len(rows) > MAX_ROWS,
        )

    def _walk(self, roots: list[Any]) -> None:
        """Visit all events in the order of time.

        Kept in one piece and free of what could be avoided: it runs in the training thread, thousands of times a
        window. Most events are leaves, so only an event with children makes a new level; a level holds its remaining
        events and what they inherit: the call-stack node that ends in the calling line and no frame, or the running
        frame, which knows the node above it; module, 1 in a backward pass, node and module of the forward call behind
        it, and name, row and number of children of the operator right above.
        """
        types, read = self._types, self._types.read
        torch_op, py_call, py_c_call, python_counts = (
            types.torch_op,
            types.py_call,
            types.py_c_call,
            types.python_counts,
        )
        extra_of, children_of, name_of, duration_of = read.extra_fields, read.children, read.name, read.duration_ns
        inputs_of, sequence_of = read.inputs, read.sequence_number
        rows, node_of, operator_index = self._rows, self._node, self._operator_index
        made_by: dict[int, tuple[int, int]] = {}  # autograd sequence number -> node, module of the forward pass
        spans: list[_Span] = []
        covered_ns = 0  # up to here nothing more is taken off any span
        levels: list[tuple[Any, ...]] = [(iter(roots), _NONE, None, _NONE, 0, _NONE, _NONE, None)]
        self._events = len(roots)
        while levels:
            remaining, above, frame, module, backward, forward_node, forward_module, outer = levels[-1]
            for event in remaining:
                extra = extra_of(event)
                kind = type(extra)
                children = children_of(event)
                if spans and (kind is torch_op or python_counts):
                    end_ns = event.end_time_ns
                    if end_ns > covered_ns:
                        spans = _subtract_from(spans, event.start_time_ns, end_ns)
                        covered_ns = min([span.covered_ns for span in spans], default=0)
                if kind is torch_op:
                    self_ns = duration_ns = duration_of(event)
                    if children:
                        self_ns -= sum(map(duration_of, children))
                    name = name_of(event)
                    if outer is not None and outer[2] == 1 and outer[0] == name:
                        row = outer[1]
                        row[1] += self_ns
                        node, of_backward, of_node, of_module = above, backward, forward_node, forward_module
                    else:
                        node = above if frame is None else node_of(frame.above(node_of), frame.key())
                        of_backward, of_node, of_module = backward, forward_node, forward_module
                        if name.startswith(BACKWARD_PREFIX):
                            of_backward = 1
                            of_node, of_module = made_by.get(sequence_of(extra), _NOWHERE)
                            if of_module >= 0:
                                self._module_rows[of_module][4] += duration_ns
                        elif not backward:
                            sequence = sequence_of(extra)
                            if sequence >= 0:
                                # The last operator with a number made the autograd node; others only saw it coming.
                                made_by[sequence] = (node, module)
                        inputs = inputs_of(extra)
                        key = (
                            operator_index(name, inputs),
                            node,
                            of_node,
                            of_module if of_backward else module,
                            of_backward,
                        )
                        row = rows.get(key)
                        if row is None:
                            row = rows[key] = [0, 0, 0]
                        row[0] += 1
                        row[1] += self_ns
                        row[2] += duration_ns
                        if not children:
                            if not inputs:
                                # An annotation: with stacks its operators are not below it, they lie in its time.
                                spans.append(_Span(event.start_time_ns, event.end_time_ns, row))
                                covered_ns = 0
                            continue
                    if not children:
                        continue
                    if not python_counts and any(type(child.extra_fields) is not torch_op for child in children):
                        row[1] += duration_ns - self_ns
                        spans.append(_Span(event.start_time_ns, event.end_time_ns, row))
                        covered_ns = 0
                    self._events += len(children)
                    of_outer = (name, row, len(children))
                    levels.append((iter(children), node, None, module, of_backward, of_node, of_module, of_outer))
                    break
                if frame is not None:
                    frame.last_call = extra
                if not children and (kind is not py_call or extra.module is None):
                    continue
                self._events += len(children)
                inside, running, inner = above, frame, module
                if kind is py_call:
                    info = extra.module
                    if info is not None:
                        inner = self._module_index(info, module)
                        module_row = self._module_rows[inner]
                        module_row[2] += 1
                        if inner != module:
                            module_row[3] += event.duration_time_ns
                    running = _Frame(extra, frame, above)
                elif kind is py_c_call and frame is not None:
                    caller = extra.caller
                    line = (caller.file_name, caller.line_number, caller.function_name)
                    inside, running = node_of(frame.above(node_of), line), None
                levels.append((iter(children), inside, running, inner, backward, forward_node, forward_module, None))
                break
            else:
                levels.pop()

    def _sum_backward_over_parents(self) -> None:
        # A child's row always comes after its parent's.
        for row in reversed(self._module_rows):
            if row[5] >= 0:
                self._module_rows[row[5]][4] += row[4]

    def _ours(self, file: str) -> bool:
        known = self._is_ours.get(file)
        if known is None:
            known = self._is_ours[file] = _OUR_FILES in file
        return known

    def _string(self, text: str) -> int:
        return self._strings.setdefault(text, len(self._strings))

    def _node(self, above: int, key: FrameKey) -> int:
        index = self._nodes.get((above, key))
        if index is None:
            if self._ours(key[0]):
                index = above
            else:
                index = len(self._node_rows)
                self._node_rows.append([above, self._frame(key)])
            self._nodes[above, key] = index
        return index

    def _frame(self, key: FrameKey) -> int:
        index = self._frames.get(key)
        if index is None:
            index = self._frames[key] = len(self._frame_rows)
            self._frame_rows.append([self._string(_full_path(key[0])), key[1], self._string(key[2])])
        return index

    def _module_index(self, info: Any, parent: int) -> int:
        identity = info.self_ptr
        index = self._modules.get(identity)
        if index is None:
            index = self._modules[identity] = len(self._module_rows)
            name = str(info.cls_name)
            path = self._module_paths.get(identity, "")
            self._module_rows.append([self._string(path or name), self._string(name), 0, 0, 0, parent])
        return index

    def _operator_index(self, name: str, inputs: list[Any]) -> int:
        tensor, sizes_of, layout_of, strided = self._tensor, self._sizes_of, self._layout_of, self._strided
        shapes: list[Any] = []
        first: Any = None
        image: Any = None
        image_sizes: Sizes = ()
        layout: Any = None
        for entry in inputs:
            if type(entry) is tensor:
                sizes = tuple(sizes_of(entry))
                shapes.append(sizes)
            else:
                shapes.append(None)
                # Of a list of tensors the first member tells dtype and layout, where no tensor came before.
                if first is not None or type(entry) is not list or not entry or type(entry[0]) is not tensor:
                    continue
                entry = entry[0]
                sizes = tuple(sizes_of(entry))
            if layout is None and layout_of(entry) is not strided:
                layout = layout_of(entry)
            if first is None:
                first = image = entry
                image_sizes = sizes
            elif len(image_sizes) < 4 and 4 <= len(sizes) <= 5:
                image, image_sizes = entry, sizes
        if first is None:
            key: Any = (name, len(shapes))
        else:
            key = (name, tuple(shapes), self._dtype_of(first), layout or self._place(image, image_sizes))
        index = self._operators.get(key)
        if index is None:
            text_key = (name, *_texts(tuple(shapes), *key[2:]))
            if any(entry is None for entry in inputs) and self._lacks_tensor(name, inputs):
                text_key = (*text_key[:2], "", NESTED)
            index = self._operators.get(text_key)
            if index is None:
                index = self._operators[text_key] = len(self._operator_rows)
                self._operator_rows.append([self._string(text) for text in text_key])
            self._operators[key] = index
        return index

    def _lacks_tensor(self, name: str, inputs: list[Any]) -> bool:
        return any(inputs[place] is None for place in self._types.takes_tensors(name, len(inputs)))

    def _place(self, tensor: Any, sizes: Sizes) -> tuple[Sizes, Sizes] | str:
        """Sizes and strides, or the word for a tensor that has no memory behind them."""
        read = self._types.read
        if read.memory(tensor) is None and 0 not in sizes:
            return META if read.device(tensor).type == META else WRAPPER
        return sizes, tuple(read.strides(tensor))


META = "meta"
WRAPPER = "wrapper"
"""A tensor without values of its own: a wrapper subclass, a fake tensor, or one inside of `torch.func`."""
NESTED = "nested"
"""The profiler tells nothing of a tensor that must be there: a nested one, or one of symbolic sizes."""


@lru_cache(maxsize=4096)
def _texts(shapes: tuple[Sizes | None, ...], dtype: Any = None, layout: Any = None) -> tuple[str, str, str]:
    """Input shapes, dtype and memory format as the tables have them: windows repeat them.

    `layout` is sizes and strides of the tensor that counts, a word, or a layout of torch without strides.
    """
    of_inputs = str([list(of_input) if of_input is not None else [] for of_input in shapes]) if shapes else ""
    if dtype is None:
        return of_inputs, "", ""
    of_values = str(dtype).replace("torch.", "")
    if of_values.startswith(("quint", "qint")):
        return of_inputs, of_values, "quantized"
    if isinstance(layout, tuple):
        return of_inputs, of_values, _memory_format(*layout)
    # ``torch.sparse_csr``, ``torch._mkldnn``
    return of_inputs, of_values, str(layout).replace("torch.", "").lstrip("_")


@cache
def _full_path(name: str) -> str:
    """The full path of a source file again: torch cuts off the part that is on sys.path."""
    if not os.path.isabs(name) and not name.startswith("<"):
        for folder in sys.path:
            candidate = os.path.join(folder or os.curdir, name)
            if os.path.isfile(candidate):
                return os.path.abspath(candidate)
    return name


class _Frame:
    """A running Python frame, and the call it made last.

    ``a + b`` is no call that the profiler sees: its operator gets the line of the last call before it in the same
    frame, because its operands mostly come from one on the same line.
    """

    __slots__ = ("_above", "_call", "_outer", "_own", "last_call")

    def __init__(self, call: Any, outer: _Frame | None, above: int) -> None:
        self._call = call
        self._outer = outer
        """The frame that called it, until the node above is known."""
        self._above = above
        self._own: FrameKey | None = None
        self.last_call: Any = None

    def above(self, node_of: Callable[[int, FrameKey], int]) -> int:
        """The call-stack node of the line that called it; looked for when an operator asks, as in many frames none
        does."""
        frame, inner = self, []
        while frame._outer is not None:
            inner.append(frame)
            frame = frame._outer
        node = frame._above
        for frame in reversed(inner):
            caller = frame._call.caller
            node = frame._above = node_of(node, (caller.file_name, caller.line_number, caller.function_name))
            frame._outer = None
        return node

    def key(self) -> FrameKey:
        """File, line and function at this moment."""
        own = self._own
        if own is None:
            site = self._call.callsite
            own = self._own = (site.file_name, site.line_number, site.function_name)
        if self.last_call is not None:
            caller = self.last_call.caller
            self.last_call = None
            if caller.file_name == own[0]:
                own = self._own = (own[0], caller.line_number, own[2])
        return own


class _Span:
    """The time of an operator whose parts lie in it without being its children in the tree."""

    __slots__ = ("covered_ns", "end_ns", "row")

    def __init__(self, start_ns: int, end_ns: int, row: list[int]) -> None:
        self.covered_ns = start_ns
        self.end_ns = end_ns
        self.row = row


def _subtract_from(spans: list[_Span], start_ns: int, end_ns: int) -> list[_Span]:
    """Take an event off the self time of the spans around it; returns the spans still open.

    As in torch's own tables an event that outlasts a span closes it.
    """
    still_open = []
    for span in spans:
        if start_ns >= span.end_ns or end_ns > span.end_ns:
            continue
        if start_ns >= span.covered_ns:
            span.row[1] -= end_ns - start_ns
            span.covered_ns = end_ns
        still_open.append(span)
    return still_open


def _memory_format(sizes: Sizes, strides: Sizes) -> str:
    """How the first 4-D or 5-D input, else the first tensor, lies in memory; empty when that is not told."""
    if len(sizes) != len(strides):
        return ""
    if _dense(sizes, strides, range(len(sizes))):
        return "contiguous"
    if len(sizes) in (4, 5) and _dense(sizes, strides, (0, *range(2, len(sizes)), 1)):
        return "channels_last"
    return "strided"


def _dense(sizes: Sizes, strides: Sizes, order: Any) -> bool:
    """Whether the dimensions, outermost first in `order`, lie in memory without a gap."""
    expected = 1
    for dimension in reversed(list(order)):
        if sizes[dimension] != 1 and strides[dimension] != expected:
            return False
        expected *= max(sizes[dimension], 1)
    return True
