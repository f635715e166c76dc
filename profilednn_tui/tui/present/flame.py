"""A flame graph as rows of boxes, and as lines of text."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from profilednn_tui import units
from profilednn_tui.flame.tree import Kind, Label, Node, Path, Shape, Weight
from profilednn_tui.session.view import Operators
from profilednn_tui.tui.present.stacks import short_file
from profilednn_tui.tui.present.states import Message
from profilednn_tui.tui.renderables.line import Line, Span, clip, fit_line, merge, width_of

CALLERS, CALLEES = "callers", "callees"
_BARE_TEXT = 3
"""Cells that a box needs for a text of its own."""


@dataclass(frozen=True, slots=True)
class Box:
    """A node on the screen."""

    part: str
    """`CALLEES`, or of the upper half of a sandwich `CALLERS`."""
    path: Path
    node: Node
    x: int
    width: int
    """Cells."""
    quiet: bool = False
    """Whether it only leads to what is shown."""

    @property
    def key(self) -> tuple[str, Path]:
        return self.part, self.path


Row = tuple[Box, ...]


def icicle_rows(tree: Node, zoom: Path, width: int) -> tuple[Row, ...]:
    """The root first; what leads to the zoomed node has the whole width, and what is beside it is not shown."""
    rows: list[Row] = []
    node = tree
    for depth, label in enumerate(zoom):
        rows.append((Box(CALLEES, zoom[:depth], node, 0, width, quiet=True),))
        node = next(child for child in node.children if child.label == label)
    rows.append((Box(CALLEES, zoom, node, 0, width),))
    rows += _below(rows[-1][0], width)
    return tuple(rows)


def sandwich_rows(callers: Node, callees: Node, width: int) -> tuple[Row, ...]:
    """The outermost callers first, the nodes themselves in the middle, and what is below them last."""
    above = _below(Box(CALLERS, (), callers, 0, width), width)
    middle = Box(CALLEES, (), callees, 0, width)
    return (*reversed(above), (middle,), *_below(middle, width))


def _below(top: Box, width: int) -> list[Row]:
    """The rows below a box; nodes that would not fill a cell are left out."""
    cells_per_unit = width / top.node.value if top.node.value else 0.0
    rows: list[Row] = []
    above: list[tuple[float, Box]] = [(0.0, top)]
    while above:
        row: list[tuple[float, Box]] = []
        for begin, box in above:
            for child in box.node.children:
                end = begin + child.value
                x, right = round(begin * cells_per_unit), round(end * cells_per_unit)
                if right > x:
                    row.append((begin, Box(box.part, (*box.path, child.label), child, x, right - x)))
                begin = end
        if row:
            rows.append(tuple(box for _, box in row))
        above = row
    return rows


Paint = Callable[[Box], tuple[str, str]]
"""The role of a box, and what is written before its label."""


def by_phase(box: Box) -> tuple[str, str]:
    """The colour says in which phase most of a node is, or that it is no operator's."""
    if box.quiet:
        return "muted", ""
    if box.node.label.kind is Kind.OUTSIDE or not box.node.phase:
        return "muted reverse", ""
    return f"phase-{box.node.phase} reverse", ""


def flame_lines(
    rows: Sequence[Row],
    cursor: tuple[str, Path] | None,
    pattern: re.Pattern[str] | None,
    width: int,
    paint: Paint = by_phase,
) -> tuple[Line, ...]:
    """A line for each row; the box under the cursor and those that match the pattern stand out."""
    return tuple(_line(row, cursor, pattern, width, paint) for row in rows)


def _line(row: Row, cursor: tuple[str, Path] | None, pattern: re.Pattern[str] | None, width: int, paint: Paint) -> Line:
    spans: list[Span] = []
    at = 0
    for box in row:
        if box.x > at:
            spans.append((" " * (box.x - at), ""))
        spans += _box(box, box.key == cursor, pattern, paint)
        at = box.x + box.width
    return fit_line(merge(spans), width)


def _box(box: Box, at_cursor: bool, pattern: re.Pattern[str] | None, paint: Paint) -> list[Span]:
    # The last cell separates a box from the next one.
    gap = " " if box.width > 1 else ""
    room = box.width - len(gap)
    role, mark = paint(box)
    text = label_text(box.node.label, room - len(mark)) if room - len(mark) >= _BARE_TEXT else ""
    text = clip(mark + text, room) if room else ""
    text += " " * (room - width_of(text))
    if at_cursor:
        return [(text if text.strip() else "▒" * room, "bold underline primary"), (gap, "")]
    if pattern is not None and pattern.search(search_text(box.node.label)):
        return [(text, "background on warning"), (gap, "")]
    return [(text, role), (gap, "")]


def label_text(label: Label, width: int) -> str:
    """What fits of a label: ``forward  models/resnet.py:96``."""
    frame = label.frame
    if frame is None:
        return clip(label.text, width, keep_end=label.kind is Kind.MODULE)
    place = place_text(label)
    whole = f"{label.name}  {place}"
    return whole if width_of(whole) <= width else clip(label.name, width)


def place_text(label: Label) -> str:
    """``models/resnet.py:96``; empty if it is no line."""
    if not label.file:
        return ""
    return f"{short_file(label.file)}:{label.line}" if label.line else short_file(label.file)


def search_text(label: Label) -> str:
    return f"{label.text} {label.file}:{label.line}" if label.file else label.text


def value_text(value: float, weight: Weight) -> str:
    """A weight with its unit, per step."""
    if weight in (Weight.SELF, Weight.TOTAL):
        return units.duration(value)
    if weight is Weight.BYTES:
        return units.bytes_size(value)
    return f"{units.count(value)} {weight.value}"


def head_lines(tree: Node, node: Node | None, shape: Shape, found: float | None) -> tuple[Line, Line]:
    """What the width means; and the node under the cursor with its figures.

    `found` is what matches the search, as a share.
    """
    by = "modules" if shape.by_module else "lines"
    what = f" {shape.weight.value} by {by}, per step: {value_text(tree.value, shape.weight)}"
    first: list[Span] = [(what, "muted")]
    if shape.phase:
        first.append((f"  {shape.phase} only", f"phase-{shape.phase}"))
    if found is not None:
        first.append((f"  matches: {units.share(found)}", "warning"))
    if node is None:
        return tuple(first), ()
    label = node.label
    share = units.share(node.value / tree.value if tree.value else None)
    second: list[Span] = [(" ", ""), (label.text, "bold"), (f"  {place_text(label)}".rstrip(), "muted")]
    second.append((f"  {value_text(node.value, shape.weight)}  {share}", ""))
    if node.children and node.own:
        second.append((f"  itself {value_text(node.own, shape.weight)}", "muted"))
    if node.phase:
        second.append((f"  {node.phase}", f"phase-{node.phase}"))
    return tuple(first), tuple(second)


def matched_share(tree: Node, pattern: re.Pattern[str]) -> float:
    """The part of a tree that is at or below nodes that match."""
    found, pending = 0.0, list(tree.children)
    while pending:
        node = pending.pop()
        if pattern.search(search_text(node.label)):
            found += node.value
        else:
            pending += node.children
    return found / tree.value if tree.value else 0.0


def flame_message(operators: Operators, shape: Shape) -> Message:
    """Why there is no graph."""
    if not operators.rows:
        return Message(
            "No operators yet", ("The graph is drawn from operator windows: the first one is still to come.",)
        )
    if shape.weight in (Weight.FLOPS, Weight.BYTES):
        return Message(
            f"{shape.weight.value} are unknown here",
            ("They are known of matrix products and of operators whose oneDNN primitives were recorded.",),
        )
    return Message(f"Nothing is in the phase {shape.phase}", ("Press {phase} for the next phase.",))
