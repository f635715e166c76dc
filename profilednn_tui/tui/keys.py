"""Bindings as text: for the last line, the help and the palette."""

from __future__ import annotations

from collections.abc import Iterable

from textual.binding import Binding, BindingType
from textual.dom import DOMNode

_NAMES = {
    "slash": "/", "question_mark": "?", "less_than_sign": "<", "greater_than_sign": ">", "left_square_bracket": "[",
    "right_square_bracket": "]", "plus": "+", "minus": "-", "equals_sign": "=", "full_stop": ".", "comma": ",",
    "backslash": "\\",
    "escape": "esc", "pageup": "pgup", "pagedown": "pgdn", "up": "↑", "down": "↓", "left": "←", "right": "→",
}  # fmt: skip


ALWAYS_SHOWN = ("help", "ask_quit", "advice", "optimizations")
"""Actions whose keys come first on the last line, so that they are in sight at every width."""


def key_name(binding: Binding) -> str:
    """What to press, in the usual notation."""
    return binding.key_display or one_key_name(binding.key)


def one_key_name(key: str) -> str:
    if key.startswith("shift+") and len(key) == 7:
        return key[-1].upper()
    return _NAMES.get(key, key)


def described(bindings: Iterable[BindingType]) -> list[tuple[str, str]]:
    """(Keys, description) of each entry of a BINDINGS list, with its keys joined."""
    lines = []
    for binding in bindings:
        assert isinstance(binding, Binding)
        names = [one_key_name(key) for key in binding.key.split(",")]
        lines.append((" ".join(dict.fromkeys(names)), binding.description))
    return lines


def own_bindings(node: DOMNode) -> list[Binding]:
    """The bindings that our classes give a node, without those of textual."""
    return [
        binding
        for cls in type(node).__mro__
        if cls.__module__.startswith("profilednn_tui") and "BINDINGS" in vars(cls)
        for binding in cls.BINDINGS  # type: ignore[attr-defined]
    ]
