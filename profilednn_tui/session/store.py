"""Where the parts of a session lie: the seam between a folder and a snapshot."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Protocol

from profilednn_tui.paths import SESSION_FILE
from profilednn_tui.session.folder import HOST_RECORDING, OUTPUT_FILE, ExitFile, SessionFile, recording_pid
from profilednn_tui.session.reader import Stream

SOURCE_LIMIT_BYTES = 1_000_000


class Store(Protocol):
    """The parts of one session."""

    location: Path
    session_file: SessionFile

    @property
    def folder(self) -> Path | None:
        """Where the session can be steered and may still grow; nothing for a snapshot."""

    @property
    def cut_short(self) -> bool:
        """Whether the recordings were copied while the target was still running."""

    def recordings(self) -> Iterator[str]:
        """Names of the recordings there are by now."""

    def open(self, name: str) -> Stream: ...

    def exit_file(self) -> ExitFile | None: ...

    def output_tail(self, max_bytes: int) -> bytes: ...

    def source(self, file: str) -> bytes | None:
        """Text of a source file, small enough to read."""

    def close(self) -> None: ...


class FileTail:
    """A growing file, opened only to read: a target may have more processes than we may have open files."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._offset = 0

    def read(self, size: int, /) -> bytes:
        if self._path.stat().st_size <= self._offset:
            return b""
        with self._path.open("rb", buffering=0) as stream:
            stream.seek(self._offset)
            data = stream.read(size) or b""
        self._offset += len(data)
        return data

    def close(self) -> None:
        """Nothing is held open here."""


class FolderStore:
    """A session folder."""

    cut_short = False

    def __init__(self, folder: Path) -> None:
        self.location = self.folder = folder
        self.session_file = self._session_file()

    def recordings(self) -> Iterator[str]:
        try:
            names = sorted(entry.name for entry in os.scandir(self.folder))
        except OSError:
            return iter(())
        return (name for name in names if is_recording(name))

    def open(self, name: str) -> Stream:
        return FileTail(self.folder / name)

    def exit_file(self) -> ExitFile | None:
        return ExitFile.load(self.folder)

    def output_tail(self, max_bytes: int) -> bytes:
        try:
            with (self.folder / OUTPUT_FILE).open("rb") as stream:
                size = stream.seek(0, os.SEEK_END)
                stream.seek(max(0, size - max_bytes))
                return stream.read(max_bytes)
        except OSError:
            return b""

    def source(self, file: str) -> bytes | None:
        return read_source(file, self.session_file.working_directory)

    def close(self) -> None:
        """Nothing is held open here."""

    def _session_file(self) -> SessionFile:
        if os.path.exists(self.folder / SESSION_FILE) or not any(self.recordings()):
            return SessionFile.load(self.folder)
        # Recordings without the launcher's file are still worth reading.
        return SessionFile(
            name=self.folder.name, argv=[], working_directory="", python="", start_unix_ns=0, launcher_pid=0
        )


def is_recording(name: str) -> bool:
    return name == HOST_RECORDING or recording_pid(name) is not None


def read_source(file: str, working_directory: str) -> bytes | None:
    """A source file of this machine; a relative name is one in the target's working directory."""
    path = Path(working_directory, file)
    try:
        if not path.is_file() or path.stat().st_size > SOURCE_LIMIT_BYTES:
            return None
        return path.read_bytes()
    except (OSError, ValueError):
        return None
