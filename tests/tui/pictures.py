"""Pictures of screens and their comparison with baselines."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from html import unescape
from itertools import zip_longest
from pathlib import Path

from rich.cells import cell_len
from rich.color import Color
from rich.segment import Segment
from rich.style import Style
from textual.pilot import Pilot
from textual.strip import Strip
from textual.widgets import Input

from profilednn_tui.tui.app import ProfilerApp
from screenshots import svg
from screenshots.svg import Cell, Frame
from tests.tui.apps import following

FOLDER = Path(__file__).resolve().parent / "baselines"
RENEW = "RENEW_BASELINES"
"""If this variable is set, pictures replace their baselines; `make baselines` sets it."""
SHOWN_LINES = 8


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
        return svg.picture(frame_of(app.screen._compositor.render_strips(app.size)))


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


def frame_of(rows: Sequence[Strip]) -> Frame:
    """The cells of a terminal's rows."""
    return tuple(tuple(cell for part in row for cell in cells_of(part)) for row in rows)


def cells_of(part: Segment) -> Iterator[Cell]:
    style = part.style or Style.null()
    front, back = name_of(style.color, svg.FRONT), name_of(style.bgcolor, svg.BACK)
    if style.reverse:
        front, back = back, front
    looks = (bool(style.bold), bool(style.italic), bool(style.underline), bool(style.dim))
    for character in part.text:
        yield Cell(character, front, back, *looks)
        yield from (Cell("", front, back, *looks) for _ in range(cell_len(character) - 1))


def name_of(color: Color | None, default: str) -> str:
    return default if color is None or color.is_default else color.get_truecolor().hex


# ---------------------------------------------------------------- comparing


def check(picture: Picture, drawn: str) -> None:
    """Fail with the differing lines unless the picture equals its baseline."""
    if os.environ.get(RENEW):
        FOLDER.mkdir(exist_ok=True)
        picture.baseline.write_text(drawn, encoding="utf-8")
    with suppress(FileNotFoundError):
        picture.rejected.unlink()
    before = picture.baseline.read_text(encoding="utf-8") if picture.baseline.exists() else ""
    if drawn != before:
        picture.rejected.write_text(drawn, encoding="utf-8")
        raise AssertionError(
            f"{picture.name} differs from its baseline; the new picture is {picture.rejected}. "
            f"If the change is intended, run `make baselines`.\n" + "\n".join(differences(before, drawn))
        )


def differences(before: str, after: str) -> list[str]:
    """The differing lines of the terminal."""
    rows = ([line for line in text.splitlines() if line.startswith("<g ")] for text in (before, after))
    found = []
    for number, (old, new) in enumerate(zip_longest(*rows, fillvalue=""), start=1):
        if old != new:
            was, now = (unescape(re.sub(r"<.*?>", "", line)).rstrip() for line in (old, new))
            found.append(f"line {number}, in its colours: {now}" if was == now else f"line {number}:\n- {was}\n+ {now}")
    more = [f"... and {len(found) - SHOWN_LINES} more lines"] if len(found) > SHOWN_LINES else []
    return found[:SHOWN_LINES] + more
