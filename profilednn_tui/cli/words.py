"""Splits a command line into our options and the words of the target."""

from __future__ import annotations

from collections.abc import Container, Sequence
from dataclasses import dataclass
from enum import Enum


class TargetKind(Enum):
    """How the target was named."""

    NONE = "none"
    SCRIPT = "script"
    MODULE = "module"
    COMMAND = "command"


@dataclass(frozen=True, slots=True)
class Words:
    """A command line, split where the target begins."""

    options: tuple[str, ...]
    kind: TargetKind
    target: tuple[str, ...]
    """The script, module or command with its arguments, without ``-m`` or ``--`` itself."""


def divide(words: Sequence[str], takes_value: Container[str]) -> Words:
    """Split before the first word that is neither an option nor its value; the target begins there."""
    position = 0
    while position < len(words):
        word, options, rest = words[position], tuple(words[:position]), tuple(words[position + 1 :])
        if word == "--":
            return Words(options, TargetKind.COMMAND, rest)
        if word == "-m":
            return Words(options, TargetKind.MODULE, rest)
        if word.startswith("-m") and len(word) > 2:
            return Words(options, TargetKind.MODULE, (word[2:], *rest))
        if word == "-" or not word.startswith("-"):
            return Words(options, TargetKind.SCRIPT, (word, *rest))
        position += 2 if word in takes_value else 1
    return Words(tuple(words), TargetKind.NONE, ())
