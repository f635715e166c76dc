"""Texts of others -> plain text: what a file, a process or the disk calls itself must not steer a terminal."""

from __future__ import annotations

import json
from typing import Any, TypeVar

import msgspec

_Value = TypeVar("_Value")

REPLACEMENT = "\N{REPLACEMENT CHARACTER}"


def plain(text: str) -> str:
    """One line of printable characters: white space becomes a space, and a replacement stands for everything else.

    That is for control characters and escape sequences, for marks that turn the direction of writing or show nothing,
    and for what is no character at all.
    """
    return text if text.isprintable() else "".join(map(_plain, text))


def plain_lines(text: str) -> str:
    """The same, line by line."""
    return "\n".join(map(plain, text.split("\n")))


def decode_plain(data: bytes, kind: type[_Value], strict: bool = True) -> _Value:
    """JSON as a value whose texts are plain; one of `msgspec`'s errors, or a `RecursionError`, when it is none."""
    # What is not printable stands in JSON as an escape or as bytes beyond ASCII, but for DEL.
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
        return json.loads(data)  # half a surrogate pair, as in the names of files that are not UTF-8
    except ValueError as error:
        raise msgspec.DecodeError(str(error)) from None


def _plain(character: str) -> str:
    if character.isprintable():
        return character
    return " " if character.isspace() else REPLACEMENT


def plain_values(value: Any) -> Any:
    """What JSON holds, with plain texts."""
    if isinstance(value, str):
        return plain(value)
    if isinstance(value, list):
        return [plain_values(item) for item in value]
    if isinstance(value, dict):
        return {plain_values(key): plain_values(item) for key, item in value.items()}
    return value
