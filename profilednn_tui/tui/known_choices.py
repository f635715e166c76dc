"""The preferences checked: what they name and does not exist is told in a sentence, and passed over."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from difflib import get_close_matches
from types import MappingProxyType
from typing import Any

from textual.theme import BUILTIN_THEMES

from profilednn_tui.tui import theme
from profilednn_tui.tui.preferences import Preferences
from profilednn_tui.tui.present import (
    advice,
    comparison,
    dashboard,
    memory_account,
    modules,
    operators,
    optimizations,
    primitives,
    rank_operators,
    ranks,
    stacks,
    thread_stacks,
    threads,
    tuning,
)
from profilednn_tui.tui.present.table import Column, optional_titles, order_of, sortable

THEMES = (theme.DARK.name, theme.LIGHT.name, *BUILTIN_THEMES)

TABLES: Mapping[str, Sequence[Column[Any]]] = MappingProxyType({
    dashboard.OPERATORS: operators.COLUMNS,
    dashboard.MODULES: modules.COLUMNS,
    dashboard.THREADS: threads.COLUMNS,
    "candidates": tuning.COLUMNS,
    "evidence": advice.EVIDENCE_COLUMNS,
    "findings": advice.COLUMNS,
    "memory-owners": memory_account.COLUMNS,
    comparison.MODULES: comparison.MODULE_COLUMNS,
    comparison.OPERATORS: comparison.OPERATOR_COLUMNS,
    "optimizations": optimizations.COLUMNS,
    comparison.PHASES: comparison.PHASE_COLUMNS,
    "primitives": primitives.COLUMNS,
    "rank-operators": rank_operators.COLUMNS,
    "ranks": ranks.COLUMNS,
    "runs": comparison.run_columns(""),
    "stacks": stacks.COLUMNS,
    "stands": thread_stacks.COLUMNS,
})  # fmt: skip
"""The columns of the tables that can be sorted or have columns to hide, by the name of the table."""


def unknown_choices(preferences: Preferences) -> tuple[str, ...]:
    """A sentence on each choice that has no effect."""
    wrong = []
    if preferences.theme and preferences.theme not in THEMES:
        wrong.append(f'there is no theme "{preferences.theme}"; {_known(preferences.theme, THEMES)}')
    wrong += [f"[panes]: {text}" for text in _wrong_panes(preferences.panes)]
    for table, text in preferences.sort.items():
        if table not in TABLES:
            wrong.append(f"[sort]: {_no_table(table)}")
        elif not sortable(TABLES[table]):
            wrong.append(f"[sort]: {table} has an order of its own; leave it out.")
        elif order_of(text, TABLES[table]) is None:
            wrong.append(f'[sort]: {table} cannot be sorted by "{text}"; {_known(text, sortable(TABLES[table]))}')
    for table, titles in preferences.hidden_columns.items():
        if table not in TABLES:
            wrong.append(f"[hidden_columns]: {_no_table(table)}")
            continue
        optional = optional_titles(TABLES[table])
        wrong += [
            f'[hidden_columns]: {table} has no column "{title}" to hide; {_known(title, optional)}'
            for title in titles
            if title not in optional
        ]
    return tuple(wrong)


def _wrong_panes(panes: Mapping[str, str]) -> Iterator[str]:
    slots = [slot for layout in dashboard.LAYOUTS for _, slots in layout.columns for slot in slots]
    places: dict[str, set[str]] = {}
    for slot in slots:
        places.setdefault(slot.panes[0], set()).update(slot.panes)
    for place, pane in panes.items():
        if place not in places:
            yield f'there is no place "{place}"; {_known(place, sorted(places))}'
        elif pane not in places[place]:
            yield f'"{pane}" has no place at {place}; {_known(pane, sorted(places[place]))}'


def _no_table(name: str) -> str:
    return f'there is no table "{name}"; {_known(name, sorted(TABLES))}'


def _known(text: str, names: Collection[str]) -> str:
    """What could have been meant."""
    close = get_close_matches(text, names, 1)
    return f'did you mean "{close[0]}"?' if close else f"known are {', '.join(names)}."
