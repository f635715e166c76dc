"""The ``config`` command."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import click

from profilednn_tui.plain import plain
from profilednn_tui.tables import aligned

if TYPE_CHECKING:
    from profilednn_tui.tui.preferences import Preferences


@click.command("config")
@click.option("--keys", is_flag=True, help="List the actions by name, with their keys.")
def config(keys: bool) -> None:
    """Show what the TUI remembers, and the file it is in.

    The file is TOML, and yours to edit: [keys] gives actions other keys. The TUI writes the rest when you choose
    colours (ctrl+t), sort a table (<, >, s), switch its columns (C) or bring another pane to a place.
    """
    from profilednn_tui.tui.known_choices import unknown_choices
    from profilednn_tui.tui.preferences import preferences_file, read_preferences

    path = preferences_file()
    preferences = read_preferences(path)
    rows, wrong = _keys(preferences) if keys or preferences.keys else ((), ())
    if keys:
        lines = aligned(rows, ())
    else:
        lines = [f"{path}{'' if path.exists() else ' (not there yet)'}", "", *_lines(preferences)]
    for line in lines:
        click.echo(plain(line))
    for sentence in (*unknown_choices(preferences), *wrong):
        click.echo(plain(sentence), err=True)


def _lines(preferences: Preferences) -> Iterator[str]:
    yield f"theme  {preferences.theme or 'by the background of the terminal'}"
    for title, table in (("sort", preferences.sort), ("panes", preferences.panes)):
        yield _line(title, [f"{key} = {value}" for key, value in table.items()])
    for title, lists in (("hidden", preferences.hidden_columns), ("keys", preferences.keys)):
        yield _line(title, [f"{key} = {', '.join(values)}" for key, values in lists.items() if values])


def _line(title: str, words: Sequence[str]) -> str:
    return f"{title:6} {'; '.join(words) or 'as usual'}"


def _keys(preferences: Preferences) -> tuple[Sequence[Sequence[str]], Sequence[str]]:
    """A row for each action, and what is wrong with the chosen keys."""
    # Imported here: it names all screens.
    from profilednn_tui.tui.key_groups import scopes
    from profilednn_tui.tui.keymap import action_rows, read_keymap

    in_force = scopes()
    keymap, wrong = read_keymap(preferences.keys, in_force)
    return action_rows(keymap, in_force), wrong
