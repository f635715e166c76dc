"""Frames of a terminal as SVG: one as a picture, several as a film that runs in a loop."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from html import escape
from itertools import accumulate, groupby

WIDTH, HEIGHT, BASELINE = 8, 16, 12
"""Of a cell in pixels, and where its text stands."""
FONT = "13px ui-monospace, Menlo, 'DejaVu Sans Mono', monospace"
FRONT, BACK = "#e0e0e0", "#121212"
"""Where a program leaves the colours to the terminal."""


@dataclass(frozen=True, slots=True)
class Cell:
    """A character with its colours, as ``#rrggbb``; empty for those of the terminal."""

    text: str
    front: str = ""
    back: str = ""
    bold: bool = False
    italic: bool = False
    underline: bool = False
    dim: bool = False


Frame = tuple[tuple[Cell, ...], ...]
"""The rows of a screen."""


def picture(frame: Frame) -> str:
    """One screen."""
    back = background([frame])
    return document(frame, back, "".join(f"{place(number, row_of(row, back))}\n" for number, row in enumerate(frame)))


def film(frames: Sequence[tuple[Frame, float]]) -> str:
    """Screens, each shown for so many seconds; a row that stays the same is drawn once."""
    back = background([frame for frame, _ in frames])
    ends_s = list(accumulate(duration_s for _, duration_s in frames))
    begins_s = [0.0, *ends_s[:-1]]
    whole_s = ends_s[-1]
    body = []
    for number in range(len(frames[0][0])):
        rows = [row_of(frame[number], back) for frame, _ in frames]
        for drawn in dict.fromkeys(rows):
            times = [(begin, row == drawn) for begin, row in zip(begins_s, rows, strict=True)]
            body.append(place(number, drawn + shown(times, whole_s)) + "\n")
    return document(frames[0][0], back, "".join(body))


def background(frames: Sequence[Frame]) -> str:
    """The colour behind most cells."""
    counts = Counter(cell.back or BACK for frame in frames for row in frame for cell in row)
    return counts.most_common(1)[0][0]


def document(frame: Frame, back: str, body: str) -> str:
    """The file."""
    width, height = len(frame[0]) * WIDTH, len(frame) * HEIGHT
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}">\n'
        f'<style>text{{font:{FONT};white-space:pre}}</style>\n<rect width="100%" height="100%" fill="{back}"/>\n'
        f"{body}</svg>\n"
    )


def place(number: int, drawn: str) -> str:
    """A row at its height."""
    return f'<g transform="translate(0 {number * HEIGHT})">{drawn}</g>'


def shown(times: Sequence[tuple[float, bool]], whole_s: float) -> str:
    """When a row is to be seen: nothing if it always is."""
    changes = [(begin_s, seen) for seen, group in groupby(times, lambda one: one[1]) for begin_s, _ in [next(group)]]
    if len(changes) == 1:
        return ""
    values = ";".join("visible" if seen else "hidden" for _, seen in changes)
    at = ";".join(f"{begin_s / whole_s:.4f}".rstrip("0").rstrip(".") for begin_s, _ in changes)
    return (
        f'<animate attributeName="visibility" calcMode="discrete" values="{values}" keyTimes="{at}" '
        f'dur="{whole_s:g}s" repeatCount="indefinite"/>'
    )


def row_of(row: Sequence[Cell], back: str) -> str:
    """The boxes and the texts of a row, each as wide as its cells whatever the reader's font."""
    boxes = [
        f'<rect x="{x}" width="{width}" height="{HEIGHT}" fill="{cells[0].back}"/>'
        for x, width, cells in runs(row, lambda cell: cell.back)
        if cells[0].back not in ("", back)
    ]
    texts = []
    for x, width, cells in runs(row, look_of):
        text = "".join(cell.text for cell in cells)
        if text.strip() or cells[0].underline:
            texts.append(f'<text x="{x}" y="{BASELINE}" textLength="{width}"{look_of(cells[0])}>{escape(text)}</text>')
    return "".join((*boxes, *texts))


def runs(row: Sequence[Cell], key: Callable[[Cell], str]) -> Iterator[tuple[int, int, list[Cell]]]:
    """Neighbouring cells that look the same: position, width, cells."""
    x = 0
    for _, group in groupby(row, key):
        cells = list(group)
        yield x, len(cells) * WIDTH, cells
        x += len(cells) * WIDTH


def look_of(cell: Cell) -> str:
    """The attributes of a text; blanks need none."""
    if not cell.text.strip() and not cell.underline:
        return ""
    marks = (
        (cell.bold, ' font-weight="bold"'),
        (cell.italic, ' font-style="italic"'),
        (cell.underline, ' text-decoration="underline"'),
        (cell.dim, ' opacity="0.6"'),
    )
    return f' fill="{cell.front or FRONT}"' + "".join(text for wanted, text in marks if wanted)
