"""Making foreign texts safe to print."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from profilednn_tui.plain import REPLACEMENT, decode_plain, plain, plain_lines


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("aten::mm", "aten::mm"),
        ("größe 層 ✓", "größe 層 ✓"),
        ("a\tb\r\nc\u2028d\u00a0e", "a b  c d e"),
        ("\x1b]0;T\x07", f"{REPLACEMENT}]0;T{REPLACEMENT}"),
        ("\x00\x7f\x9b2J", f"{REPLACEMENT * 3}2J"),
        ("a\u202eb\u2066c\u200fd\ufeff", f"a{REPLACEMENT}b{REPLACEMENT}c{REPLACEMENT}d{REPLACEMENT}"),
        ("\udcff", REPLACEMENT),
    ],
)
def test_what_steers_a_terminal_or_hides_is_replaced(text: str, shown: str) -> None:
    assert plain(text) == shown


@given(st.text())
def test_plain_text_is_one_printable_line_of_the_same_length_and_stays_as_it_is(text: str) -> None:
    shown = plain(text)
    assert shown.isprintable()
    assert len(shown) == len(text)
    assert plain(shown) == shown


def test_lines_stay_lines() -> None:
    assert plain_lines("one\x07\ntwo\t") == f"one{REPLACEMENT}\ntwo "


def texts(value: Any) -> list[str]:
    if isinstance(value, dict):
        return [*value, *(text for item in value.values() for text in texts(item))]
    if isinstance(value, list):
        return [text for item in value for text in texts(item)]
    return [value] if isinstance(value, str) else []


@given(
    st.recursive(st.text() | st.integers(), lambda part: st.lists(part) | st.dictionaries(st.text(), part)),
    st.booleans(),
)
def test_no_text_of_json_escapes_however_it_is_spelled(value: Any, ascii_only: bool) -> None:
    data = json.dumps({"x": value}, ensure_ascii=ascii_only).encode("utf-8", "replace")
    decoded = decode_plain(data, dict[str, Any])
    assert all(text.isprintable() for text in texts(decoded))


def test_half_a_surrogate_pair_costs_its_character_only() -> None:
    """A file name that is not UTF-8, as Python represents it."""
    assert decode_plain(b'["a\\udcff.py"]', list[str]) == [f"a{REPLACEMENT}.py"]


@pytest.mark.parametrize("data", [b"[", b'["\\ud800', b"\xff", b'["\\udcff"] x'])
def test_what_is_no_json_is_one_kind_of_error(data: bytes) -> None:
    with pytest.raises(msgspec.DecodeError):
        decode_plain(data, list[str])
