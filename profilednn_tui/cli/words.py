"""Splits a command line into our options and the words of the target."""

from __future__ import annotations

import shlex
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


@dataclass(frozen=True, slots=True)
class Misplaced:
    """Options of ours that stand behind the script and therefore belong to it."""

    options: tuple[str, ...]
    """With their values."""
    before: tuple[str, ...]
    """The options that stand where they should."""
    target: tuple[str, ...]
    """The target's words without them."""

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(word.partition("=")[0] for word in self.options if word.startswith("-")))

    def sentence(self, command: str) -> str:
        """What they do there, and the right order."""
        name = self.target[1] if self.target[0] == "-m" else self.target[0]
        stands = "stands behind {0} and so belongs" if len(self.names) == 1 else "stand behind {0} and so belong"
        right = shlex.join([*self.before, *self.options, *self.target])
        return (
            f"{' and '.join(self.names)} {stands.format(name)} to it; options of ours go before it: "
            f"profilednn-tui {command} {right}"
        )


def misplaced(words: Words, flags: Container[str], takes_value: Container[str]) -> Misplaced | None:
    """Our options among the arguments of a script or module; None if there are none."""
    if words.kind not in (TargetKind.SCRIPT, TargetKind.MODULE) or not words.target:
        return None
    ours: list[str] = []
    theirs = [*(["-m"] if words.kind is TargetKind.MODULE else []), words.target[0]]
    rest = list(words.target[1:])
    while rest:
        word = rest.pop(0)
        if word == "--":
            theirs += [word, *rest]
            break
        name, equals, _ = word.partition("=")
        if name in takes_value and (equals or rest):
            ours += [word] if equals else [word, rest.pop(0)]
        elif name in flags:
            ours.append(word)
        else:
            theirs.append(word)
    return Misplaced(tuple(ours), words.options, tuple(theirs)) if ours else None


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
