"""The flame graph of two sides: colours and glyphs say what has changed, and only that."""

from __future__ import annotations

from profilednn_tui import units
from profilednn_tui.flame.difference import Delta, Difference, Layout
from profilednn_tui.flame.tree import Node, Path, Shape
from profilednn_tui.tui.present.flame import Box, place_text, value_text
from profilednn_tui.tui.present.states import Message
from profilednn_tui.tui.renderables.line import Line, Span, wrap

REASON_LINES = 2
GROWN, SHRUNK, ADDED, GONE = "\u25b2", "\u25bc", "+", "\u2212"


def by_change(box: Box, difference: Difference) -> tuple[str, str]:
    """A node is grey unless it has changed by more than the runs vary."""
    delta = difference.nodes.get(box.path)
    if box.quiet:
        return "muted", ""
    if delta is None or not delta.changed:
        return "muted reverse", ""
    role = "warning reverse" if delta.difference > 0 else "success reverse"
    return role, glyph(delta)


def glyph(delta: Delta) -> str:
    """How a node has changed; empty if it has not, as far as the runs tell."""
    if not delta.changed:
        return ""
    if not delta.before:
        return ADDED
    if not delta.after:
        return GONE
    return GROWN if delta.difference > 0 else SHRUNK


def head_lines(
    difference: Difference,
    path: Path,
    node: Node | None,
    shape: Shape,
    layout: Layout,
    names: tuple[str, str],
    width: int,
) -> tuple[Line, ...]:
    """What the width means; what the sides add up to; the node under the cursor on both of them; why all is grey."""
    by = "modules" if shape.by_module else "lines"
    first: list[Span] = [(f" {shape.weight.value} by {by}, per step; as wide as {layout.value}", "muted")]
    if shape.phase:
        first.append((f"  {shape.phase} only", f"phase-{shape.phase}"))
    why = wrap(f"all grey: {difference.reason}", width - 2, "warning")[:REASON_LINES] if difference.reason else ()
    reason = tuple(((" ", ""), *line) for line in why)
    if not difference.reason:
        changed = sum(delta.changed for delta in difference.nodes.values())
        first.append((f"  {changed} of {len(difference.nodes):,} nodes have changed", ""))
    whole = difference.nodes[()]
    second: list[Span] = [(f" {names[0]} ", "secondary"), (value_text(whole.before, shape.weight), "")]
    second += [(f"   {names[1]} ", "primary"), (value_text(whole.after, shape.weight), ""), *_change(whole)]
    if node is None or not path:
        return (*reason, tuple(first), tuple(second))
    delta = difference.nodes.get(path, Delta(0.0, 0.0, False))
    third: list[Span] = [(" ", ""), (node.label.text, "bold"), (f"  {place_text(node.label)}".rstrip(), "muted")]
    third.append((f"  {value_text(delta.before, shape.weight)} -> {value_text(delta.after, shape.weight)}", ""))
    third += _change(delta)
    if not delta.changed and not difference.reason:
        third.append(("  within what the runs vary by", "muted"))
    return (*reason, tuple(first), tuple(second), tuple(third))


def _change(delta: Delta) -> list[Span]:
    if not delta.before:
        return [("  new", "warning" if delta.changed else "muted")]
    role = "muted" if not delta.changed else "warning" if delta.difference > 0 else "success"
    return [(f"  {glyph(delta)}{units.change(delta.after / delta.before)}", role)]


def difference_message() -> Message:
    """Why there is no graph."""
    return Message("No operators on both sides", ("Each side needs a run with an operator window.",))
