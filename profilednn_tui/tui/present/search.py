"""Incremental search."""

from __future__ import annotations

import re
from collections.abc import Sequence


def compile_pattern(text: str) -> re.Pattern[str] | None:
    """A regular expression, or the literal text while it is not a valid one; case matters only if it has capitals."""
    if not text:
        return None
    flags = 0 if any(character.isupper() for character in text) else re.IGNORECASE
    try:
        return re.compile(text, flags)
    except re.error:
        return re.compile(re.escape(text), flags)


def matches(pattern: re.Pattern[str] | None, texts: Sequence[str]) -> tuple[int, ...]:
    """Indices of the texts in which the pattern occurs."""
    if pattern is None:
        return ()
    search = pattern.search
    return tuple(index for index, text in enumerate(texts) if search(text))


def next_match(found: Sequence[int], current: int, direction: int) -> int | None:
    """The match after (direction 1), at or after (0) or before (-1) the current row, wrapping around."""
    if not found:
        return None
    if direction < 0:
        return next((index for index in reversed(found) if index < current), found[-1])
    least = current + direction
    return next((index for index in found if index >= least), found[0])
