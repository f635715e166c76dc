"""The loops around a line of a program's text."""

from __future__ import annotations

import warnings
from pathlib import Path

import pytest

from profilednn_tui.agent.steps.loops import MOST_BYTES, MOST_TEXT, Line, Source, read_source

PROGRAM = b"""
def main(args):
    for fold in range(5):
        for epoch in range(args.epochs):
            for number, batch in enumerate(loader):
                step(batch)
            _ = validate()
        print(fold)
    while True:
        step()

for _ in range(3): main(
    args)
"""


def around(text: bytes, line: int, function: str = "main", first_line: int = 2, column: int = -1) -> list[str]:
    return [loop.text for loop in Source(text).around(Line(function, first_line, line, column))]


def test_the_loops_are_found_from_the_inside_out() -> None:
    assert around(PROGRAM, 6) == [
        "for number, batch in enumerate(loader)",
        "for epoch in range(args.epochs)",
        "for fold in range(5)",
    ]
    assert around(PROGRAM, 7) == ["for epoch in range(args.epochs)", "for fold in range(5)"]
    assert around(PROGRAM, 10) == ["while True"]


def test_loops_around_a_function_are_not_inside_it() -> None:
    text = b"for epoch in range(3):\n    def train():\n        step()\n    train()\n"
    assert around(text, 3, "train", 2) == []
    assert around(text, 4, "<module>", 1) == ["for epoch in range(3)"]


def test_a_call_over_several_lines_is_in_the_loop() -> None:
    assert around(PROGRAM, 13, "<module>", 1) == ["for _ in range(3)"]


def test_what_follows_a_loop_is_not_in_it() -> None:
    assert around(b"for epoch in range(3):\n    pass\nelse:\n    step()\n", 4, "<module>", 1) == []


@pytest.mark.parametrize(
    ("header", "variable", "numbered"),
    [
        ("for epoch in range(3)", "epoch", False),
        ("for epoch in tqdm(range(3), desc='x')", "epoch", False),
        ("for epoch in tqdm.notebook.tqdm(range(3))", "epoch", False),
        ("for number, name in enumerate(names)", "number", True),
        ("for number, name in enumerate(names, 1)", "", True),
        ("for changed in range(3)", "", False),
        ("for first, second in pairs", "", False),
    ],
)
def test_the_variable_that_tells_the_iteration(header: str, variable: str, numbered: bool) -> None:
    (loop,) = Source(f"{header}:\n    changed = step()\n".encode()).around(Line("<module>", 1, 2, -1))
    assert (loop.variable, loop.numbered) == (variable, numbered)


def test_a_comprehension_around_a_line_is_a_loop_without_a_known_end() -> None:
    text = b"losses = [train(epoch) for epoch in range(3)]\nfirst = train(\n    [one for one in names])\n"
    (loop,) = Source(text).around(Line("<module>", 1, 1, 10))
    assert loop.items is None
    assert around(text, 1, "<listcomp>", 1) == ["a comprehension"]
    assert around(text, 2, "<module>", 1, column=8) == []


def test_reading_a_text_warns_of_nothing() -> None:
    """The program's own import has warned already."""
    text = (
        b"import re\n"
        b"def run():\n"
        b"    for epoch in range(1if True else 2):\n"
        b"        try:\n"
        b"            re.compile('\\d\\'')\n"
        b"            step()\n"
        b"        finally:\n"
        b"            return epoch is 'last'\n"
    )
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert around(text, 6, "run", 2) == ["for epoch in range(1 if True else 2)"]


def test_a_declared_encoding_counts() -> None:
    text = "# -*- coding: latin-1 -*-\nfor epoch in range(3):\n    step('é')\n".encode("latin-1")
    assert around(text, 3, "<module>", 1) == ["for epoch in range(3)"]


@pytest.mark.parametrize("text", [b"for x in\n", b"\0", b"# coding: nonsense\n", b"x = 1\n" * MOST_BYTES])
def test_a_text_that_cannot_be_read_gives_nothing(tmp_path: Path, text: bytes) -> None:
    (tmp_path / "train.py").write_bytes(text)
    assert read_source(str(tmp_path / "train.py"), 1e12) is None
    assert read_source(str(tmp_path / "none.py"), 1e12) is None


def test_a_text_changed_since_the_start_gives_nothing(tmp_path: Path) -> None:
    file = tmp_path / "train.py"
    file.write_bytes(PROGRAM)
    changed_s = file.stat().st_mtime
    assert read_source(str(file), changed_s + 1) is not None
    assert read_source(str(file), changed_s - 1) is None


def test_a_long_list_is_not_told_in_full() -> None:
    (text,) = around(f"for number in {list(range(1000))}:\n    step()\n".encode(), 2, "<module>", 1)
    assert text.endswith("...")
    assert len(text) <= MOST_TEXT + 3
