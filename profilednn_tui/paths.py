"""Where sessions lie on this machine."""

from __future__ import annotations

import os
import re
import time
from pathlib import Path

from profilednn_tui.errors import ProfilerError

FOLDER_MODE = 0o700
FILE_MODE = 0o600
"""A recording holds source paths and the target's output: nobody else's business."""

SESSION_FILE = "session.json"
"""What makes a folder a session."""

_NAME_LIMIT = 40


def session_home() -> Path:
    """The folder of all sessions: ``$PROFILEDNN_HOME``, else ``$XDG_STATE_HOME/profilednn``, else at home."""
    own = os.environ.get("PROFILEDNN_HOME")
    if own:
        return Path(own).expanduser().absolute()
    state = os.environ.get("XDG_STATE_HOME", "")
    if os.path.isabs(state):
        return Path(state) / "profilednn"
    try:
        return Path.home() / ".local" / "state" / "profilednn"
    except RuntimeError:
        raise ProfilerError(
            "There is no home folder to keep sessions in. Set PROFILEDNN_HOME to a folder you can write."
        ) from None


def new_session_folder(name: str, home: Path | None = None) -> Path:
    """Create the folder of a new session, in that of all sessions or another; names sort by time of creation."""
    home = home or session_home()
    stem = f"{time.strftime('%Y%m%d-%H%M%S')}-{_slug(name)}"
    try:
        home.parent.mkdir(parents=True, exist_ok=True)
        home.mkdir(mode=FOLDER_MODE, exist_ok=True)
        return _create_unique(home, stem)
    except OSError as error:
        raise ProfilerError(
            f"Cannot create a session folder under {home}: {error.strerror or error}. "
            "Set PROFILEDNN_HOME to a folder you can write."
        ) from None


def list_session_folders() -> tuple[Path, ...]:
    """All sessions on this machine, newest first."""
    try:
        entries = [Path(entry.path) for entry in os.scandir(session_home())]
    except OSError:
        return ()
    return tuple(sorted((path for path in entries if os.path.isfile(path / SESSION_FILE)), key=_by_name, reverse=True))


def _by_name(path: Path) -> str:
    return path.name


def _create_unique(home: Path, stem: str) -> Path:
    attempt = 1
    while True:
        folder = home / (stem if attempt == 1 else f"{stem}-{attempt}")
        try:
            folder.mkdir(mode=FOLDER_MODE)
            return folder
        except FileExistsError:
            attempt += 1


def _slug(name: str) -> str:
    return re.sub(r"[^A-Za-z0-9._-]+", "-", name).strip("-.")[:_NAME_LIMIT] or "session"
