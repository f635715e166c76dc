"""``--recipe``: what a search has proven, for a run."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from profilednn_tui.errors import ProfilerError
from profilednn_tui.launch.headless import say
from profilednn_tui.launch.recipe import Recipe, belongs_to_another, read_recipe


def recipe(context: click.Context, parameter: click.Parameter, path: Path | None) -> Recipe:
    """Read a recipe, as a callback of an option; another user's is shown and asked about first."""
    if path is None:
        return Recipe()
    found = read_recipe(path)
    if belongs_to_another(path):
        _ask(path, found)
    return found


def _ask(path: Path, found: Recipe) -> None:
    shown = f"The recipe {path} is another user's and sets: {found.text}."
    if not all(stream is not None and stream.isatty() for stream in (sys.stdin, sys.stderr)):
        raise ProfilerError(f"{shown} Copy it to a file of your own to use it.")
    say(f"profilednn-tui: {shown}")
    if not click.confirm("Use it?", err=True):
        raise ProfilerError("Nothing was started.")
