"""The user's editor, at a line."""

from __future__ import annotations

import shlex
import shutil
from collections.abc import Mapping
from pathlib import Path

from profilednn_tui.errors import ProfilerError
from profilednn_tui.session.open_session import SourceFile

_PLACE = {
    "code": ("--goto", "{file}:{line}"),
    "codium": ("--goto", "{file}:{line}"),
    "cursor": ("--goto", "{file}:{line}"),
    "subl": ("{file}:{line}",),
    "hx": ("{file}:{line}",),
    "zed": ("{file}:{line}",),
}
"""Editors that do not take the usual ``+LINE FILE``."""


def editor_command(environment: Mapping[str, str], source: SourceFile, line: int) -> list[str]:
    """The command that opens a file at a line, from ``$VISUAL`` or ``$EDITOR``."""
    if source.foreign:
        raise ProfilerError(source.foreign)
    try:
        words = shlex.split(environment.get("VISUAL") or environment.get("EDITOR") or "")
    except ValueError:
        raise ProfilerError("The command in $VISUAL or $EDITOR has an unclosed quote. Close it.") from None
    if not words:
        raise ProfilerError("No editor is set: export EDITOR=vim (or VISUAL) and start again.")
    if shutil.which(words[0], path=environment.get("PATH")) is None:
        raise ProfilerError(f"The editor {words[0]!r} of $VISUAL or $EDITOR was not found: set it to an installed one.")
    if source.path is None:
        raise ProfilerError(source.missing)
    place = _PLACE.get(Path(words[0]).name, ("+{line}", "{file}"))
    return [*words, *(part.format(file=source.path, line=max(1, line)) for part in place)]
