"""The keys that users give to actions, checked: what cannot be is left at its default, and told in a sentence."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from difflib import get_close_matches
from types import MappingProxyType
from typing import TypeAlias

from textual.binding import Binding

from profilednn_tui.tui.keys import Keymap, described, key_named, one_key_name, remapped, typed

Scope: TypeAlias = Sequence[Binding]
"""Bindings that are in force at the same time."""

WHILE_TYPING = frozenset({"back"})
"""Actions that are needed while a text is typed, besides those with priority: their keys must type nothing."""

_Clash: TypeAlias = tuple[str, frozenset[str]]
"""A key, and the two actions that it would be."""


def read_keymap(chosen: Mapping[str, Sequence[str]], scopes: Sequence[Scope]) -> tuple[Keymap, tuple[str, ...]]:
    """The keys by name of action, and a sentence on each choice that cannot be."""
    names = action_names(scopes)
    while_typing = WHILE_TYPING | {name for name, binding in names.items() if binding.priority}
    keymap: dict[str, str] = {}
    wrong: list[str] = []
    for name, texts in chosen.items():
        keys = [key_named(text) for text in texts]
        unknown = next((text for text, key in zip(texts, keys, strict=True) if key is None), None)
        known = [key for key in keys if key is not None]
        if name not in names:
            wrong.append(f"[keys]: there is no action {name}; {_advice(name, names)}")
        elif not keys:
            wrong.append(f"[keys]: {name} has no key; name one, or leave {name} out.")
        elif unknown is not None:
            wrong.append(f'[keys]: "{unknown}" for {name} is no key; write it like "F", "ctrl+f", "f5" or "space".')
        elif name in while_typing and any(map(typed, known)):
            wrong.append(f'[keys]: {name} is needed while you type; give it a key that is no character, like "f5".')
        else:
            keymap[name] = ",".join(dict.fromkeys(known))
    wrong += _drop_clashes(keymap, scopes)
    return MappingProxyType(keymap), tuple(wrong)


def action_names(scopes: Iterable[Scope]) -> dict[str, Binding]:
    """The actions whose keys can be chosen, by name, each with one of its bindings."""
    names: dict[str, Binding] = {}
    for scope in scopes:
        for binding in scope:
            if binding.id:
                names.setdefault(binding.id, binding)
    return names


def action_rows(keymap: Keymap, scopes: Iterable[Scope]) -> tuple[tuple[str, str, str], ...]:
    """Name, keys and description of each action."""
    rows = []
    for name, binding in action_names(scopes).items():
        ((keys, description),) = described([remapped(binding, keymap)])
        rows.append((name, keys, description))
    return tuple(sorted(rows))


def _advice(name: str, names: Iterable[str]) -> str:
    close = get_close_matches(name, names, 1)
    meant = f"{close[0]}, or another" if close else "one"
    return f"write {meant} that `profilednn-tui config --keys` lists."


def _drop_clashes(keymap: dict[str, str], scopes: Sequence[Scope]) -> Iterator[str]:
    """Take out what clashes, and say so; where two defaults have the same key, the inner one is meant to win."""
    meant = _clashes({}, scopes)
    while found := [clash for clash in _clashes(keymap, scopes) if clash not in meant]:
        key, names = found[0]
        changed = sorted(name for name in names if keymap.pop(name, None) is not None)
        both = " and ".join(sorted(names))
        yield (
            f'[keys]: "{one_key_name(key)}" would be {both} at the same time, so '
            f"{' and '.join(changed)} {_keeps(len(changed))}; give one of them another key."
        )


def _keeps(count: int) -> str:
    return "keeps its default" if count == 1 else "keep their defaults"


def _clashes(keymap: Keymap, scopes: Sequence[Scope]) -> dict[_Clash, None]:
    """Keys that are two actions in one scope, in order of scopes."""
    found: dict[_Clash, None] = {}
    for scope in scopes:
        names_of: dict[str, set[str]] = {}
        for binding in Binding.make_bindings(remapped(one, keymap) for one in scope):
            name = binding.id or binding.description
            others = names_of.setdefault(binding.key, set())
            found |= {(binding.key, frozenset({name, other})): None for other in others - {name}}
            others.add(name)
    return found
