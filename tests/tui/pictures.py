"""Pictures of screens and their comparison with baselines."""

from __future__ import annotations

import os
import re
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from html import escape, unescape
from itertools import groupby, zip_longest
from pathlib import Path

from rich.color import Color
from rich.segment import Segment
from rich.style import Style
from textual.pilot import Pilot
from textual.strip import Strip
from textual.widgets import Input

from profilednn_tui.tui.app import ProfilerApp
from tests.tui.apps import following

FOLDER = Path(__file__).resolve().parent / "baselines"
RENEW = "RENEW_BASELINES"
"""If this variable is set, pictures replace their baselines; `make baselines` sets it."""
SHOWN_LINES = 8
CELL_WIDTH, CELL_HEIGHT, TEXT_HEIGHT = 8, 18, 13
EMPHASIS = {
    "bold": ' font-weight="bold"',
    "italic": ' font-style="italic"',
    "underline": ' text-decoration="underline"',
    "dim": ' opacity="0.6"',
}


@dataclass(frozen=True)
class Picture:
    """A screen: how to create the app, the size of the terminal, and the keys that lead there."""

    name: str
    make: Callable[[], ProfilerApp]
    keys: tuple[str, ...] = ()
    columns: int = 120
    lines: int = 40

    @property
    def baseline(self) -> Path:
        return FOLDER / f"{self.name}.svg"

    @property
    def rejected(self) -> Path:
        """Where a picture that differs from its baseline is saved."""
        return FOLDER / f"{self.name}.new.svg"


async def take(picture: Picture) -> str:
    """The picture as SVG."""
    async with following(picture.make(), (picture.columns, picture.lines)) as (app, pilot):
        await come_to_rest(app, pilot)
        for key in picture.keys:
            await pilot.press(key)
            await come_to_rest(app, pilot)
        return svg_of(app.screen._compositor.render_strips(app.size), picture.columns)


async def come_to_rest(app: ProfilerApp, pilot: Pilot[None]) -> None:
    """Wait until no workers or messages are pending; nothing blinks."""
    await pilot.pause()
    await app.workers.wait_for_complete()
    for field in app.screen.query(Input):
        field.cursor_blink = False
    app.follow_once()
    await pilot.pause()
    await pilot.pause()


# ---------------------------------------------------------------- drawing


def svg_of(rows: list[Strip], columns: int) -> str:
    """A terminal's rows as SVG, one line each: a tenth of rich's output, and a differing row is one line of a diff."""
    counts: Counter[str] = Counter()
    for row in rows:
        for part in row:
            counts[colors(part.style)[1]] += part.cell_length
    back = counts.most_common(1)[0][0]
    width, height = columns * CELL_WIDTH, len(rows) * CELL_HEIGHT
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" '
        f'style="background:{back};font:13px monospace;white-space:pre">'
    )
    return "\n".join((head, *(row_of(row, number, back) for number, row in enumerate(rows)), "</svg>\n"))


def row_of(row: Strip, number: int, back: str) -> str:
    boxes = [
        f'<rect x="{x}" width="{width}" height="{CELL_HEIGHT}" fill="{behind}"/>'
        for behind, x, width, _ in runs(row, lambda part: colors(part.style)[1])
        if behind != back
    ]
    texts = [
        f'<tspan x="{x}"{look}>{escape(text, quote=False)}</tspan>' for look, x, _, text in runs(row, look_of) if text
    ]
    return (
        f'<g transform="translate(0 {number * CELL_HEIGHT})">{"".join(boxes)}'
        f'<text y="{TEXT_HEIGHT}">{"".join(texts)}</text></g>'
    )


def runs(row: Strip, key: Callable[[Segment], str]) -> Iterator[tuple[str, int, int, str]]:
    """Adjacent segments with the same key, as key, position, width and text."""
    x = 0
    for found, parts in groupby(row, key):
        together = list(parts)
        width = sum(part.cell_length for part in together) * CELL_WIDTH
        yield found, x, width, "".join(part.text for part in together)
        x += width


def look_of(part: Segment) -> str:
    """Attributes of the text; blanks need none."""
    style = part.style or Style.null()
    found = "".join(text for wanted, text in EMPHASIS.items() if getattr(style, wanted))
    return f' fill="{colors(style)[0]}"{found}' if part.text.strip() or style.underline else ""


def colors(style: Style | None) -> tuple[str, str]:
    """Foreground and background color."""
    style = style or Style.null()
    front, behind = name_of(style.color, "#fff"), name_of(style.bgcolor, "#000")
    return (behind, front) if style.reverse else (front, behind)


def name_of(color: Color | None, default: str) -> str:
    return default if color is None or color.is_default else color.get_truecolor().hex


# ---------------------------------------------------------------- comparing


def check(picture: Picture, svg: str) -> None:
    """Fail with the differing lines unless the picture equals its baseline."""
    if os.environ.get(RENEW):
        FOLDER.mkdir(exist_ok=True)
        picture.baseline.write_text(svg, encoding="utf-8")
    with suppress(FileNotFoundError):
        picture.rejected.unlink()
    before = picture.baseline.read_text(encoding="utf-8") if picture.baseline.exists() else ""
    if svg != before:
        picture.rejected.write_text(svg, encoding="utf-8")
        raise AssertionError(
            f"{picture.name} differs from its baseline; the new picture is {picture.rejected}. "
            f"If the change is intended, run `make baselines`.\n" + "\n".join(differences(before, svg))
        )


def differences(before: str, after: str) -> list[str]:
    """The differing lines of the terminal."""
    pairs = zip_longest(before.splitlines()[1:-1], after.splitlines()[1:-1], fillvalue="")
    found = []
    for number, (old, new) in enumerate(pairs, start=1):
        if old != new:
            was, now = (unescape(re.sub(r"<.*?>", "", line)).rstrip() for line in (old, new))
            found.append(f"line {number}, in its colours: {now}" if was == now else f"line {number}:\n- {was}\n+ {now}")
    more = [f"... and {len(found) - SHOWN_LINES} more lines"] if len(found) > SHOWN_LINES else []
    return found[:SHOWN_LINES] + more
