"""A line of text as data: spans of (text, role), which a widget turns into cells.

A role is a few words: names of colours of the theme (see `theme.py`), ``on`` before a background, and ``bold``,
``italic``, ``underline``, ``reverse``. The empty role is the ordinary text.
"""

from __future__ import annotations

from collections.abc import Iterable

from rich.cells import cell_len, set_cell_size

Span = tuple[str, str]
Line = tuple[Span, ...]

ELLIPSIS = "…"


def width_of(text: str) -> int:
    """Terminal cells that the text takes."""
    return len(text) if text.isascii() else cell_len(text)


def line_width(line: Line) -> int:
    return sum(width_of(text) for text, _ in line)


def plain(line: Line) -> str:
    """The text of a line without its roles."""
    return "".join(text for text, _ in line)


def clip(text: str, width: int, keep_end: bool = False) -> str:
    """The text in at most `width` cells, an ellipsis where something was cut."""
    if width_of(text) <= width:
        return text
    if width <= 1:
        return ELLIPSIS[:width]
    if keep_end:
        tail = text[-(width - 1) :]
        while width_of(tail) > width - 1:
            tail = tail[1:]
        return ELLIPSIS + tail
    return set_cell_size(text, width - 1).rstrip() + ELLIPSIS


def clip_line(line: Line, width: int) -> Line:
    """The line in at most `width` cells."""
    if line_width(line) <= width:
        return line
    clipped: list[Span] = []
    for text, role in line:
        used = width_of(text)
        if used < width:
            clipped.append((text, role))
            width -= used
            continue
        clipped.append((clip(text, width) if used > width else clip(text + ELLIPSIS, width), role))
        break
    return tuple(clipped)


def fit_line(line: Line, width: int, right: bool = False) -> Line:
    """The line in exactly `width` cells."""
    line = clip_line(line, width)
    missing = width - line_width(line)
    if not missing:
        return line
    padding = (" " * missing, "")
    return (padding, *line) if right else (*line, padding)


def ends(left: Line, right: Line, width: int) -> Line:
    """Both texts on one line, at its two ends; the right one wins if there is no room for both."""
    room = width - line_width(right)
    return (*fit_line(left, max(0, room - 1)), (" ", ""), *right) if room > 0 else clip_line(right, width)


def merge(spans: Iterable[Span]) -> Line:
    """The same line with neighbours of one role joined: fewer escape sequences."""
    merged: list[Span] = []
    for text, role in spans:
        if merged and merged[-1][1] == role:
            merged[-1] = (merged[-1][0] + text, role)
        elif text:
            merged.append((text, role))
    return tuple(merged)


def wrap(text: str, width: int, role: str = "") -> tuple[Line, ...]:
    """The text broken at spaces into lines of at most `width` cells."""
    lines: list[Line] = []
    current = ""
    for word in text.split():
        if current and width_of(current) + 1 + width_of(word) > width:
            lines.append(((current, role),))
            current = word
        else:
            current = f"{current} {word}" if current else word
        while width_of(current) > max(1, width):
            lines.append(((current[:width], role),))
            current = current[width:]
    if current:
        lines.append(((current, role),))
    return tuple(lines)
