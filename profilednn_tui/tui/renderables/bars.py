"""Thin horizontal bars with a resolution of half a cell."""

from __future__ import annotations

from collections.abc import Sequence

from profilednn_tui.tui.renderables.line import Line, merge

FULL, HALF = "━", "╸"


def bar(fraction: float, width: int, role: str) -> Line:
    """A bar that fills `fraction` of `width` cells; any value above 0 shows at least half a cell."""
    halves = round(min(1.0, max(0.0, fraction)) * width * 2)
    if fraction > 0 and width > 0:
        halves = max(1, halves)
    text = FULL * (halves // 2) + HALF * (halves % 2)
    return merge(((text, role), (" " * (width - len(text)), "")))


def stacked_bar(parts: Sequence[tuple[float, str]], width: int, track: str) -> Line:
    """Consecutive bars, given as fractions of the whole width with their colours, on a track of another colour.

    A cell belongs to the part that fills most of it.
    """
    edges: list[tuple[float, str]] = []
    total = 0.0
    for fraction, role in parts:
        total = min(1.0, total + max(0.0, fraction))
        edges.append((total * width, role))
    edges.append((width, track))
    return merge((FULL, next(role for edge, role in edges if edge >= cell + 0.5)) for cell in range(width))
