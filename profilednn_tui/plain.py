"""Untrusted text -> plain text: names read from files, processes or the disk must not control a terminal."""

from __future__ import annotations

import json
from typing import Any, TypeVar

import msgspec

_Value = TypeVar("_Value")

REPLACEMENT = "\N{REPLACEMENT CHARACTER}"


def plain(text: str) -> str:
    """One line of printable characters: white space becomes a space, anything else unprintable a replacement.

    That covers control characters, escape sequences, bidirectional and invisible marks, and invalid code points.
    """
    return text if text.isprintable() else "".join(map(_plain, text))


def plain_lines(text: str) -> str:
    """`plain`, line by line."""
    return "\n".join(map(plain, text.split("\n")))


def decode_plain(data: bytes, kind: type[_Value], strict: bool = True) -> _Value:
    """Decode JSON into a value with plain texts; raises a `msgspec` error or a `RecursionError` if that fails."""
    # Unprintable text in JSON is either escaped or beyond ASCII, except for DEL.
    if data.isascii() and b"\\" not in data and b"\x7f" not in data:
        return msgspec.json.decode(data, type=kind, strict=strict)
    return msgspec.convert(plain_values(_decode(data)), kind, strict=strict)


def _decode(data: bytes) -> Any:
    try:
        return msgspec.json.decode(data)
    except msgspec.DecodeError:
        if b"\\ud" not in data.lower():
            raise
    try:
        return json.loads(data)  # a lone surrogate, as in file names that are not UTF-8
    except ValueError as error:
        raise msgspec.DecodeError(str(error)) from None


def _plain(character: str) -> str:
    if character.isprintable():
        return character
    return " " if character.isspace() else REPLACEMENT


def plain_values(value: Any) -> Any:
    """A decoded JSON value with plain texts."""
    if isinstance(value, str):
        return plain(value)
    if isinstance(value, list):
        return [plain_values(item) for item in value]
    if isinstance(value, dict):
        return {plain_values(key): plain_values(item) for key, item in value.items()}
    return value
