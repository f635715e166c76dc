"""Whose a session is: what somebody else's names is neither run, nor opened, nor written to."""

from __future__ import annotations

import os
import pwd
import stat
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from profilednn_tui.paths import SESSION_FILE

SNAPSHOT = (
    "A snapshot may come from anybody: what it names is neither run nor opened here. "
    "Start the script itself with `profilednn-tui SCRIPT`."
)

_ONLY_READ = "it is only read, nothing of it is run or opened."


def why_foreign(folder: Path) -> str:
    """Why a session folder counts as somebody else's, in a sentence; empty when it is ours."""
    try:
        kept = folder.stat()
        owners = [kept.st_uid, *_owner(folder / SESSION_FILE)]
    except OSError as error:
        return f"Whose session this is cannot be told ({error.strerror}): {_ONLY_READ}"
    stranger = next((owner for owner in owners if owner != os.geteuid()), None)
    if stranger is not None:
        return f"This session belongs to {_user(stranger)}: {_ONLY_READ}"
    if kept.st_mode & stat.S_IWOTH:
        return f"Everybody can write to this session's folder: {_ONLY_READ}"
    return ""


def _owner(file: Path) -> Iterator[int]:
    with suppress(FileNotFoundError):
        yield file.lstat().st_uid


def _user(uid: int) -> str:
    try:
        return f"user {pwd.getpwuid(uid).pw_name}"
    except KeyError:
        return f"user {uid}"
