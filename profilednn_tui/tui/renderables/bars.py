"""Horizontal bars with a resolution of an eighth of a cell."""

from __future__ import annotations

from collections.abc import Sequence

from profilednn_tui.tui.renderables.line import Line, merge

EIGHTHS = " ▏▎▍▌▋▊▉█"


def bar(fraction: float, width: int, role: str) -> Line:
    """A bar that fills `fraction` of `width` cells; something that is not nothing shows at least a hair."""
    eighths = round(min(1.0, max(0.0, fraction)) * width * 8)
    if fraction > 0:
        eighths = max(1, eighths)
    full, part = divmod(eighths, 8)
    text = "█" * full + (EIGHTHS[part] if part else "")
    return merge(((text, role), (" " * (width - len(text)), "")))


def stacked_bar(parts: Sequence[tuple[float, str]], width: int, track: str) -> Line:
    """Bars behind each other: fractions of the whole width with their colours, on a track of another colour."""
    edges: list[tuple[int, str]] = []
    total = 0.0
    for fraction, role in parts:
        total = min(1.0, total + max(0.0, fraction))
        edges.append((round(total * width * 8), role))
    edges.append((width * 8, track))
    spans = []
    for cell in range(width):
        low, high = cell * 8, cell * 8 + 8
        inside = [(min(edge, high), role) for edge, role in edges if edge > low]
        first_edge, first = inside[0]
        if first_edge >= high:
            spans.append((" ", f"on {first}"))
        else:
            following = next(role for edge, role in inside if edge > first_edge)
            spans.append((EIGHTHS[first_edge - low], f"{first} on {following}"))
    return merge(spans)
