"""Access to the parts of a session, whether in a folder or in a snapshot."""

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import Iterable, Iterator
from itertools import chain, islice
from pathlib import Path
from typing import Protocol

from profilednn_tui.paths import SESSION_FILE
from profilednn_tui.protocol.files import HOST_RECORDING, recording_pid, trace_pid
from profilednn_tui.session.frames import is_users, relative_file
from profilednn_tui.session.storage.elsewhere import why_elsewhere
from profilednn_tui.session.storage.files import open_file, read_end
from profilednn_tui.session.storage.folder import OUTPUT_FILE, STREAM_SO_FAR, ExitFile, MirrorFile, SessionFile
from profilednn_tui.session.storage.ownership import why_foreign
from profilednn_tui.session.storage.reader import Stream

SOURCE_LIMIT_BYTES = 1_000_000
MAX_AGENTS = 500
"""Recordings read per session."""
COPIED_SOURCES = "sources"


class Store(Protocol):
    """The parts of one session."""

    location: Path
    session_file: SessionFile
    foreign: str
    """Why nothing that the session names is run or opened here, in one sentence; empty for the user's own session."""

    @property
    def folder(self) -> Path | None:
        """Where the session can be controlled and may still grow; None for a snapshot."""

    @property
    def cut_short(self) -> bool:
        """Whether the recordings were copied while the target was still running."""

    def recordings(self) -> Iterator[str]:
        """Names of the recordings so far."""

    def traces(self) -> Iterator[str]:
        """Names of the files with the calls of the newest windows."""

    def trace_stamp(self, name: str) -> int:
        """Differs once a trace was replaced."""

    def open(self, name: str) -> Stream: ...

    def exit_file(self) -> ExitFile | None: ...

    def output_tail(self, max_bytes: int) -> bytes: ...

    def source(self, file: str) -> bytes | None:
        """Text of a source file; None if there is none of readable size."""

    def source_path(self, file: str) -> Path | None:
        """A source file on this machine; None if it must not be opened."""

    def close(self) -> None: ...


class FileTail:
    """A growing file, opened for each read: a target may have more processes than we may have open files."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._offset = 0

    def read(self, size: int, /) -> bytes:
        if os.stat(self._path, follow_symlinks=False).st_size <= self._offset:
            return b""
        with open_file(self._path) as stream:
            stream.seek(self._offset)
            data = stream.read(size) or b""
        self._offset += len(data)
        return data

    def close(self) -> None:
        """Nothing is held open here."""


class FolderStore:
    """A session folder."""

    def __init__(self, folder: Path, started_here: bool = False) -> None:
        """With `started_here`, it is known to be ours, whatever the file system says."""
        self.location = self.folder = folder
        self.session_file = self._session_file()
        self._mirror = None if started_here else MirrorFile.load(folder)
        self._stranger = "" if started_here else why_foreign(folder)
        copied = f"It is a copy of {self._mirror.origin}, so it is only read here." if self._mirror else ""
        self.foreign = self._stranger or copied or why_elsewhere(self.session_file)

    @property
    def cut_short(self) -> bool:
        return self._mirror is not None and self._mirror.end == STREAM_SO_FAR

    def recordings(self) -> Iterator[str]:
        return recordings_among(self._names())

    def traces(self) -> Iterator[str]:
        return traces_among(self._names())

    def trace_stamp(self, name: str) -> int:
        try:
            return os.stat(self.folder / name, follow_symlinks=False).st_mtime_ns
        except OSError:
            return 0

    def _names(self) -> list[str]:
        try:
            return sorted(entry.name for entry in os.scandir(self.folder))
        except OSError:
            return []

    def open(self, name: str) -> Stream:
        return FileTail(self.folder / name)

    def exit_file(self) -> ExitFile | None:
        return ExitFile.load(self.folder)

    def output_tail(self, max_bytes: int) -> bytes:
        try:
            return read_end(self.folder / OUTPUT_FILE, max_bytes)
        except OSError:
            return b""

    def source(self, file: str) -> bytes | None:
        path = copied_source(self.folder, file) if self._mirror else self.source_path(file)
        return None if path is None else read_source(path)

    def source_path(self, file: str) -> Path | None:
        if self._stranger or self._mirror:
            return None
        started = self.session_file
        if started.scratch:  # the copy that the target ran in is gone
            file = relative_file(file, started.scratch)
        # A relative name is relative to the target's working directory.
        path = Path(started.working_directory or "/", file)
        try:
            return path if path.is_absolute() and stat.S_ISREG(path.stat().st_mode) else None
        except (OSError, ValueError):
            return None

    def close(self) -> None:
        """Nothing is held open here."""

    def _session_file(self) -> SessionFile:
        if os.path.lexists(self.folder / SESSION_FILE) or not any(self.recordings()):
            return SessionFile.load(self.folder)
        # Recordings without the launcher's file are still worth reading.
        return SessionFile(
            name=self.folder.name, argv=[], working_directory="", python="", start_unix_ns=0, launcher_pid=0
        )


def recordings_among(names: Iterable[str]) -> Iterator[str]:
    """The recordings among a session's files: the host's, then those of agents; distinct, at most `MAX_AGENTS`."""
    known = dict.fromkeys(names)
    agents = (name for name in known if recording_pid(name) is not None)
    return chain([HOST_RECORDING] if HOST_RECORDING in known else [], islice(agents, MAX_AGENTS))


def traces_among(names: Iterable[str]) -> Iterator[str]:
    """The traces among a session's files, distinct, of at most `MAX_AGENTS` processes."""
    known: dict[int, list[str]] = {}
    for name in dict.fromkeys(names):
        pid = trace_pid(name)
        if pid is not None and (pid in known or len(known) < MAX_AGENTS):
            known.setdefault(pid, []).append(name)
    return chain.from_iterable(known.values())


def user_sources(store: Store, files: Iterable[str]) -> Iterator[tuple[str, bytes]]:
    """Those of the files that belong to the user's program and can be read, in order, with their texts."""
    script = next((part for part in store.session_file.argv if part.endswith(".py")), "")
    for file in sorted(files):
        text = store.source(file) if is_users(file, script) else None
        if text is not None:
            yield file, text


def copied_source(folder: Path, file: str) -> Path:
    """Where a copy of a session keeps the text of a source file."""
    return folder / COPIED_SOURCES / hashlib.sha256(file.encode("utf-8", "replace")).hexdigest()


def read_source(path: Path) -> bytes | None:
    """The text of a source file on this machine; None if it cannot be read or is too large."""
    try:
        with open_file(path, follow=True) as stream:
            text = stream.read(SOURCE_LIMIT_BYTES + 1)
    except OSError:
        return None
    return text if len(text) <= SOURCE_LIMIT_BYTES else None
