"""Where sessions are stored on this machine."""

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
"""A recording holds source paths and the target's output, which are private."""

SESSION_FILE = "session.json"
"""The file that makes a folder a session."""

_NAME_LIMIT = 40


def session_home() -> Path:
    """The folder of all sessions: ``$PROFILEDNN_HOME``, else ``$XDG_STATE_HOME/profilednn``, else below ``~``.

    Raises `ProfilerError` if the folder is world-writable, because others could plant sessions in it, or is a file.
    """
    home = _named_home()
    mode = _mode(home)
    if mode and not stat.S_ISDIR(mode):
        raise ProfilerError(
            f"{home} is a file, so no sessions can be kept there. Move it away, or set PROFILEDNN_HOME to a folder."
        )
    if mode & stat.S_IWOTH:
        raise ProfilerError(
            f"Everyone can write to {home} and could plant sessions there that pass for yours. "
            "Set PROFILEDNN_HOME to a folder of your own, or revoke that permission: "
            f"chmod o-w {shlex.quote(str(home))}"
        )
    return home


def home_warning() -> str | None:
    """What is wrong with the permissions of the session home, in a sentence with the fix; None if they are safe."""
    home = session_home()
    if _mode(home) & stat.S_IWGRP:
        return (
            f"The group of {home} can change your sessions; revoke that permission: chmod g-w {shlex.quote(str(home))}"
        )
    return None


def session_word(folder: Path) -> str:
    """A session or experiment as a command names it, quoted for a shell: by name in the session home, else by path."""
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
            "There is no home directory to keep sessions in. Set PROFILEDNN_HOME to a folder you can write to."
        ) from None


def new_session_folder(name: str, home: Path | None = None) -> Path:
    """Create the folder of a new session in `home`, by default the session home; names sort by time of creation."""
    home = home or session_home()
    stem = f"{time.strftime('%Y%m%d-%H%M%S')}-{_slug(name)}"
    try:
        home.parent.mkdir(parents=True, exist_ok=True)
        home.mkdir(mode=FOLDER_MODE, exist_ok=True)
        return _create_unique(home, stem)
    except OSError as error:
        raise ProfilerError(
            f"Cannot create a session folder under {home}: {error.strerror or error}. "
            "Set PROFILEDNN_HOME to a folder you can write to."
        ) from None


def list_session_folders() -> tuple[Path, ...]:
    """All sessions on this machine, newest first."""
    return folders_with(SESSION_FILE)


def folders_with(name: str) -> tuple[Path, ...]:
    """The folders of sessions or experiments that contain a file of that name, newest first."""
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
