"""The target's terminal output as lines."""

from __future__ import annotations

import pytest

from profilednn_tui.tui.present.output import output_lines
from profilednn_tui.tui.renderables.line import plain


def lines(data: bytes) -> list[str]:
    return [plain(line) for line in output_lines(data)]


@pytest.mark.parametrize(
    ("data", "shown"),
    [
        (b"one\r\ntwo\n", ["one", "two"]),
        (b" 10%|#  \r 20%|## \r 30%|###", [" 30%|###"]),
        (b"a long line\rshort\x1b[K\n", ["short"]),
        (b"first\nsecond\x1b[A\rFIRST\n\n", ["FIRST", "second"]),
        (b"gone\x1b[2J\x1b[Hclear", ["clear"]),
        (b"\x1b]0;title\x07text", ["text"]),
        (b"a\tb", ["a       b"]),
        (b"ab\x08c", ["ac"]),
        (b"\xff\xfe", ["\ufffd\ufffd"]),
        (b"", []),
    ],
)
def test_what_a_terminal_would_show(data: bytes, shown: list[str]) -> None:
    assert lines(data) == shown


def test_colours_and_attributes_become_roles() -> None:
    (line,) = output_lines(b"\x1b[1;31merror\x1b[0m plain \x1b[38;5;208morange\x1b[39m \x1b[48;2;1;2;3mback\x1b[49m")
    assert line == (
        ("error", "bold ansi_red"), (" plain ", ""), ("orange", "ansi_208"), (" ", ""), ("back", "on #010203"),
    )  # fmt: skip


def test_only_the_newest_lines_are_kept() -> None:
    assert len(output_lines(b"x\n" * 50, most=10)) == 10


def test_a_torn_escape_sequence_does_no_harm() -> None:
    assert lines(b"text\x1b[3")[0].startswith("text")


def test_no_byte_of_the_target_steers_our_terminal() -> None:
    data = (
        "a\x1b]52;c;x\x07b\x9b2Jc\x9d0;t\x9cd\u202ee\x1b".encode() + b"\xff\x1b[" + b"9" * 5_000 + b"m\x1b[5555555555A"
    )
    assert all(text.isprintable() for line in output_lines(data) for text, _ in line)
