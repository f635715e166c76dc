"""Where sessions lie on this machine."""

from __future__ import annotations

import os
import re
import shlex
import stat
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
    """The folder of all sessions: ``$PROFILEDNN_HOME``, else ``$XDG_STATE_HOME/profilednn``, else at home.

    A `ProfilerError` where everybody could leave sessions of theirs among ours.
    """
    home = _named_home()
    if _mode(home) & stat.S_IWOTH:
        raise ProfilerError(
            f"Everybody can write to {home}, and so put sessions there that pass for yours. "
            "Set PROFILEDNN_HOME to a folder of your own, or take that right away: "
            f"chmod o-w {shlex.quote(str(home))}"
        )
    return home


def home_warning() -> str | None:
    """What is not as it should be with the folder of all sessions, in a sentence with the fix."""
    home = session_home()
    if _mode(home) & stat.S_IWGRP:
        return f"The group of {home} can write to it, and so change your sessions: chmod g-w {shlex.quote(str(home))}"
    return None


def session_word(folder: Path) -> str:
    """How a command names a session or experiment, quoted for a shell: at home by its name, elsewhere by its path."""
    folder = folder.absolute()
    return shlex.quote(folder.name if folder.parent == _named_home() else str(folder))


def _mode(folder: Path) -> int:
    try:
        return folder.stat().st_mode
    except OSError:
        return 0


def _named_home() -> Path:
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
    return folders_with(SESSION_FILE)


def folders_with(name: str) -> tuple[Path, ...]:
    """The folders of sessions, or of experiments, that hold something of that name; newest first."""
    home = session_home()
    try:
        entries = [Path(entry.path) for entry in os.scandir(home)]
    except OSError:
        return ()
    return tuple(sorted((path for path in entries if os.path.lexists(path / name)), key=_by_name, reverse=True))


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
