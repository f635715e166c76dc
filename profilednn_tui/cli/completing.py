"""What a shell offers where a session or a target is to be named."""

from __future__ import annotations

import click
from click.shell_completion import CompletionItem

from profilednn_tui.errors import ProfilerError
from profilednn_tui.paths import list_session_folders


def files(incomplete: str) -> list[CompletionItem]:
    """Have the shell complete the name of a file; none for an option.

    It has to come first: bash forgets what came before it, and looks for files only if no word follows.
    """
    return [] if incomplete.startswith("-") else [CompletionItem(incomplete, type="file")]


def sessions(context: click.Context, parameter: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """The sessions of this machine, newest first, if any has that name; otherwise files."""
    try:
        names = [folder.name for folder in list_session_folders() if folder.name.startswith(incomplete)]
    except ProfilerError:
        names = []  # completion is no place for an error
    return [CompletionItem(name) for name in names] or files(incomplete)
