"""Keys and bindings as text: for the last line, the help, the palette and hints."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from types import MappingProxyType

from textual.binding import Binding
from textual.dom import DOMNode
from textual.keys import KEY_ALIASES, REPLACED_KEYS, Keys, key_to_character

Keymap = Mapping[str, str]
"""The keys that users have given to actions, by name; several are separated by commas, as in a binding."""

DEFAULT_KEYS: Keymap = MappingProxyType({})

ALWAYS_SHOWN = ("help", "ask_quit", "advice", "optimizations")
"""Actions whose keys come first on the last line, so that they are in sight at every width."""

_NAMES = {"escape": "esc", "pageup": "pgup", "pagedown": "pgdn", "up": "↑", "down": "↓", "left": "←", "right": "→"}
_READ = {
    **{written: key for key, written in _NAMES.items()},
    **{alias: key for key, aliases in KEY_ALIASES.items() for alias in aliases},
    ",": "comma",
    "return": "enter",
}
"""Other ways to write a key."""

_MODIFIERS = frozenset({"alt", "ctrl", "hyper", "meta", "shift", "super"})
_NAMED = frozenset(key.value.rpartition("+")[2] for key in Keys)
_HINT = re.compile(r"\{([a-z0-9-]+)\}")


def key_name(binding: Binding) -> str:
    """What to press, in the usual notation."""
    return binding.key_display or one_key_name(binding.key)


def one_key_name(key: str) -> str:
    """``question_mark`` as ``?``, ``escape`` as ``esc``."""
    if key.startswith("shift+") and len(key) == 7:
        return key[-1].upper()
    modifiers, plus, last = key.rpartition("+")
    character = typed(last)
    return modifiers + plus + (_NAMES.get(last) or (character if character != " " else "") or last)


def typed(key: str) -> str:
    """The character that a key types; empty if it types none."""
    character = key_to_character(REPLACED_KEYS.get(key, key)) or ""
    return character if character.isprintable() else ""


def key_named(text: str) -> str | None:
    """The key that people write as ``F``, ``ctrl+f``, ``<`` or ``pgup``; None if there is none of that name."""
    modifiers, _, last = text.rpartition("+")
    if text == "+" or text.endswith("++"):
        modifiers, last = modifiers.removesuffix("+"), "+"
    named = [word.lower() for word in modifiers.split("+")] if modifiers else []
    key = _read_key(last)
    if key is None or not _MODIFIERS.issuperset(named):
        return None
    if named == ["shift"] and len(key) == 1 and key.isalpha():
        return key.upper()
    if named:
        key = key.lower()
    combined = "+".join([*sorted(set(named)), key])
    return _READ.get(combined, combined)


def _read_key(text: str) -> str | None:
    key = _READ.get(text.lower(), text)
    if len(key) == 1:
        return next(binding.key for binding in Binding.make_bindings([Binding(key, "")]))
    key = key.lower()
    return key if key in _NAMED or typed(key) else None


def remapped(binding: Binding, keymap: Keymap) -> Binding:
    """The binding with the keys that the user has given to its action."""
    keys = keymap.get(binding.id or "")
    return binding if keys is None else binding.with_key(keys)


def described(bindings: Iterable[Binding]) -> list[tuple[str, str]]:
    """(Keys, description) of each entry of a BINDINGS list, with its keys joined."""
    lines = []
    for binding in bindings:
        names = [one_key_name(key) for key in binding.key.split(",")]
        lines.append((" ".join(dict.fromkeys(names)), binding.description))
    return lines


def bindings_of(owner: type[DOMNode]) -> Iterator[Binding]:
    """The entries of the BINDINGS of a class."""
    for binding in vars(owner).get("BINDINGS", ()):
        assert isinstance(binding, Binding)
        yield binding


def own_bindings(owner: type[DOMNode]) -> Iterator[Binding]:
    """The bindings that our classes give to nodes of a class, without those of textual."""
    for cls in owner.__mro__:
        if cls.__module__.startswith("profilednn_tui"):
            yield from bindings_of(cls)


def keymap_of(node: DOMNode) -> Keymap:
    """The keys that the user has chosen for the app."""
    keymap: Keymap = getattr(node.app, "keymap", DEFAULT_KEYS)
    return keymap


def with_keys(node: DOMNode, text: str, *owners: type[DOMNode]) -> str:
    """A hint in which each ``{name}`` of an action of `owners`, the node, its screen or the app stands for its key."""
    return hint(text, keymap_of(node), (*owners, type(node), type(node.screen), type(node.app)))


def hint(text: str, keymap: Keymap, owners: Iterable[type[DOMNode]]) -> str:
    """A text in which each ``{name}`` of an action of these classes stands for its first key."""
    if "{" not in text:
        return text
    keys: dict[str, str] = {}
    for owner in owners:
        for binding in own_bindings(owner):
            key, *_ = remapped(binding, keymap).key.split(",")
            keys.setdefault(binding.id or "", one_key_name(key))
    return _HINT.sub(lambda found: keys.get(found[1], found[0]), text)
