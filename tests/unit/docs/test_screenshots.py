"""Pictures and films of a terminal."""

from __future__ import annotations

import sys
import time
from pathlib import Path
from xml.etree import ElementTree

import pytest

from screenshots import svg, take
from screenshots.svg import Cell, Frame
from screenshots.terminal import Terminal

PROGRAM = r"print('\x1b[>1u\x1b[38;2;1;2;3mready\x1b[0m'); print(input()[::-1]); input()"
SVG = "{http://www.w3.org/2000/svg}"


def frame(*rows: str) -> Frame:
    return tuple(tuple(Cell(letter) for letter in row) for row in rows)


def animations(text: str) -> list[dict[str, str]]:
    return [dict(node.attrib) for node in ElementTree.fromstring(text).iter(f"{SVG}animate")]


def test_a_film_draws_rows_that_stay_once() -> None:
    text = svg.film([(frame("title", "a"), 1.0), (frame("title", "b"), 2.0), (frame("title", "a"), 1.0)])
    assert text.count("title") == 1
    first, second = animations(text)
    assert (first["values"], first["keyTimes"], first["dur"]) == ("visible;hidden;visible", "0;0.25;0.75", "4s")
    assert (second["values"], second["keyTimes"]) == ("hidden;visible;hidden", "0;0.25;0.75")


def test_a_picture_keeps_each_run_of_text_in_its_cells() -> None:
    row = (*(Cell(letter, front="#010203", bold=True) for letter in "ab"), Cell(" "), Cell("<", back="#111111"))
    found = [dict(node.attrib) for node in ElementTree.fromstring(svg.picture((row,))).iter(f"{SVG}text")]
    assert [(one["x"], one["textLength"], one.get("font-weight")) for one in found] == [
        ("0", "16", "bold"), ("24", "8", None),
    ]  # fmt: skip
    assert not animations(svg.picture((row,)))


def test_a_terminal_shows_what_a_program_writes_and_types_what_is_pressed(tmp_path: Path) -> None:
    terminal = Terminal([sys.executable, "-uc", PROGRAM], 20, 3, tmp_path, {})
    try:
        terminal.until(lambda text: "ready" in text, "program")
        assert terminal.frame()[0][0] == Cell("r", "#010203")
        terminal.press("abc\n")
        terminal.until(lambda text: "cba" in text, "answer")
    finally:
        began_s = time.monotonic()
        terminal.close()
    assert time.monotonic() - began_s < 8, "the program was ended"


def test_a_picture_that_tells_the_machine_is_refused(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(take, "FOLDER", tmp_path / "pictures")
    with pytest.raises(SystemExit, match="is in the picture"):
        take.write("dashboard", "<svg/>", [frame(f"{tmp_path}/train.py")])


def test_every_part_has_its_name() -> None:
    assert {"live", "film", "tuning", "compare", "ranks", "gate"} <= set(take.PARTS)
