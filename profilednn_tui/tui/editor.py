"""The user's editor, at a line."""

from __future__ import annotations

import shlex
import shutil
from collections.abc import Mapping
from pathlib import Path

from profilednn_tui.errors import ProfilerError

_PLACE = {
    "code": ("--goto", "{file}:{line}"),
    "codium": ("--goto", "{file}:{line}"),
    "cursor": ("--goto", "{file}:{line}"),
    "subl": ("{file}:{line}",),
    "hx": ("{file}:{line}",),
    "zed": ("{file}:{line}",),
}
"""Editors that do not follow the usual ``+LINE FILE``."""


def editor_command(environment: Mapping[str, str], file: str, line: int) -> list[str]:
    """The command that opens a file at a line, from ``$VISUAL`` or ``$EDITOR``."""
    words = shlex.split(environment.get("VISUAL") or environment.get("EDITOR") or "")
    if not words:
        raise ProfilerError("No editor is set: export EDITOR=vim (or VISUAL) and start again.")
    if shutil.which(words[0], path=environment.get("PATH")) is None:
        raise ProfilerError(f"The editor {words[0]!r} of $VISUAL or $EDITOR was not found: set it to an installed one.")
    if not Path(file).is_file():
        raise ProfilerError(f"{file} is not on this machine: the session was recorded elsewhere, or the file is gone.")
    place = _PLACE.get(Path(words[0]).name, ("+{line}", "{file}"))
    return [*words, *(part.format(file=file, line=max(1, line)) for part in place)]
