"""The ``config`` command."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import click

from profilednn_tui.plain import plain

if TYPE_CHECKING:
    from profilednn_tui.tui.preferences import Preferences


@click.command("config")
def config() -> None:
    """Show what the TUI remembers, and the file it is in.

    The file is TOML, and yours to edit. The TUI writes it when you choose colours (ctrl+t), sort a table (<, >, s) or
    bring another pane to a place.
    """
    from profilednn_tui.tui.preferences import preferences_file, read_preferences

    path = preferences_file()
    click.echo(f"{path}{'' if path.exists() else ' (not there yet)'}\n")
    for line in _lines(read_preferences(path)):
        click.echo(plain(line))


def _lines(preferences: Preferences) -> Iterator[str]:
    yield f"theme  {preferences.theme or 'by the background of the terminal'}"
    for title, table in (("sort", preferences.sort), ("panes", preferences.panes)):
        words = [f"{key} = {value}" for key, value in table.items()]
        yield f"{title:5}  {', '.join(words) or 'as usual'}"
