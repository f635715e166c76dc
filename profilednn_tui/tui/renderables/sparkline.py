"""Small line graphs of braille dots and of blocks."""

from __future__ import annotations

from collections.abc import Sequence

BLOCKS = "▁▂▃▄▅▆▇█"
_DOTS = ((0x40, 0x04, 0x02, 0x01), (0x80, 0x20, 0x10, 0x08))
"""Braille dots of the left and of the right half of a cell, from the bottom up."""


def blocks(values: Sequence[float], width: int, ceiling: float) -> str:
    """The newest `width` values as one line of blocks, right aligned."""
    newest = values[-width:]
    text = "".join(BLOCKS[min(7, max(0, int(value / ceiling * 8)))] if ceiling > 0 else BLOCKS[0] for value in newest)
    return text.rjust(width)


def braille(values: Sequence[float | None], width: int, height: int) -> tuple[str, ...]:
    """A line graph in `width` x `height` cells, one value per half cell, right aligned, topmost line first.

    The graph spans the range of the values it shows; a value of ``None`` leaves a gap.
    """
    newest = list(values[-width * 2 :])
    known = [value for value in newest if value is not None]
    if not known:
        return (" " * width,) * height
    low, high = min(known), max(known)
    spread = high - low
    levels = height * 4 - 1
    cells = [[0] * width for _ in range(height)]
    offset = width * 2 - len(newest)
    previous: int | None = None
    for index, value in enumerate(newest):
        if value is None:
            previous = None
            continue
        level = round((value - low) / spread * levels) if spread > 0 else levels // 2
        start = level if previous is None else previous + (1 if level > previous else -1 if level < previous else 0)
        column, half = divmod(index + offset, 2)
        for dot in range(min(start, level), max(start, level) + 1):
            row, line_dot = divmod(dot, 4)
            cells[height - 1 - row][column] |= _DOTS[half][line_dot]
        previous = level
    return tuple("".join(chr(0x2800 + cell) if cell else " " for cell in line) for line in cells)


def area(values: Sequence[float | None], width: int, height: int, ceiling: float) -> tuple[str, ...]:
    """A filled graph of the newest `width` values in `height` lines of blocks, topmost line first; a value of ``None``
    leaves a gap."""
    newest = [0.0 if value is None else value for value in values[-width:]]
    eighths = [round(min(1.0, value / ceiling) * height * 8) if ceiling > 0 else 0 for value in newest]
    lines = []
    for level in range(height - 1, -1, -1):
        text = "".join((" " + BLOCKS)[min(8, max(0, value - level * 8))] for value in eighths)
        lines.append(text.rjust(width))
    return tuple(lines)
