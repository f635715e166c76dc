"""Who owns a session: nothing that another user's session names is run, opened or written to."""

from __future__ import annotations

import os
import pwd
import stat
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from profilednn_tui.paths import SESSION_FILE
from profilednn_tui.plain import plain

SNAPSHOT = (
    "A snapshot may come from anyone: nothing it names is run or opened here. "
    "Start the script itself with `profilednn-tui SCRIPT`."
)

_ONLY_READ = "it is only read; nothing it names is run or opened."


def why_foreign(folder: Path, file: str = SESSION_FILE) -> str:
    """Why a session, or another folder marked by `file`, is not the user's own, in one sentence; empty if it is."""
    name = plain(folder.absolute().name)
    try:
        kept = folder.stat()
        owners = [kept.st_uid, *_owner(folder / file)]
    except OSError as error:
        return f"The owner of {name} cannot be determined ({error.strerror}): {_ONLY_READ}"
    stranger = next((owner for owner in owners if owner != os.geteuid()), None)
    if stranger is not None:
        return f"{name} belongs to {_user(stranger)}: {_ONLY_READ}"
    if kept.st_mode & stat.S_IWOTH:
        return f"Anyone can write to the folder {name}: {_ONLY_READ}"
    return ""


def _owner(file: Path) -> Iterator[int]:
    with suppress(FileNotFoundError):
        yield file.lstat().st_uid


def _user(uid: int) -> str:
    try:
        return f"user {pwd.getpwuid(uid).pw_name}"
    except KeyError:
        return f"user {uid}"
