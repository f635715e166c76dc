"""A session in one file, ``NAME.pdnn``: a zip of its recordings and of the user's sources that they name."""

from __future__ import annotations

import time
import zipfile
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path, PurePath
from typing import IO

import msgspec

from profilednn_tui.errors import ProfilerError
from profilednn_tui.paths import SESSION_FILE
from profilednn_tui.protocol import MAGIC, VERSION
from profilednn_tui.session.folder import (
    EXIT_FILE,
    OUTPUT_FILE,
    UNREADABLE,
    ExitFile,
    SessionFile,
    atomic_file,
    check_version,
)
from profilednn_tui.session.origin import is_users
from profilednn_tui.session.reader import CHUNK_BYTES, Stream
from profilednn_tui.session.store import SOURCE_LIMIT_BYTES, Store, is_recording

SUFFIX = ".pdnn"
OUTPUT_LIMIT_BYTES = 4_000_000

_INDEX = "snapshot.json"
_DAMAGE = (OSError, zipfile.BadZipFile, zlib.error, EOFError, KeyError, NotImplementedError, RuntimeError)
"""What reading a damaged, foreign or encrypted zip raises."""


@dataclass(frozen=True, slots=True)
class SnapshotFile:
    """``snapshot.json``: the first member of a snapshot."""

    magic: str = ""
    version: int = 0
    created_unix_ns: int = 0
    live: bool = False
    """Whether the target was still running when the snapshot was taken."""
    sources: dict[str, str] = field(default_factory=dict)
    """File as the stacks name it -> member."""


class SnapshotStore:
    """A snapshot file."""

    folder = None

    def __init__(self, path: Path) -> None:
        self.location = path
        try:
            self._zip = zipfile.ZipFile(path)
        except _DAMAGE as error:
            raise _unreadable(path, error) from None
        try:
            self._index_file = self._read_index()
            self.session_file = SessionFile.decode(self._zip.read(SESSION_FILE), str(path))
            self._exit_file = self._read_exit()
        except _DAMAGE as error:
            self._zip.close()
            raise _unreadable(path, error) from None
        except ProfilerError:
            self._zip.close()
            raise
        self._output: bytes | None = None

    @property
    def cut_short(self) -> bool:
        return self._index_file.live

    def recordings(self) -> Iterator[str]:
        return (name for name in self._zip.namelist() if is_recording(name))

    def open(self, name: str) -> Stream:
        return self._zip.open(name)

    def exit_file(self) -> ExitFile | None:
        return self._exit_file

    def output_tail(self, max_bytes: int) -> bytes:
        if self._output is None:
            self._output = self._member(OUTPUT_FILE, OUTPUT_LIMIT_BYTES) or b""
        return self._output[-max_bytes:] if max_bytes > 0 else b""

    def source(self, file: str) -> bytes | None:
        member = self._index_file.sources.get(file)
        return self._member(member, SOURCE_LIMIT_BYTES) if member else None

    def close(self) -> None:
        self._zip.close()

    def _read_index(self) -> SnapshotFile:
        try:
            index = msgspec.json.decode(self._zip.read(_INDEX), type=SnapshotFile)
        except (*UNREADABLE, KeyError):
            index = SnapshotFile()
        check_version(index.magic, index.version, str(self.location))
        return index

    def _read_exit(self) -> ExitFile | None:
        try:
            return msgspec.json.decode(self._member(EXIT_FILE, CHUNK_BYTES) or b"", type=ExitFile)
        except UNREADABLE:
            return None

    def _member(self, name: str, limit_bytes: int) -> bytes | None:
        try:
            with self._zip.open(name) as stream:
                return stream.read(limit_bytes)
        except _DAMAGE:
            return None


def write_snapshot(store: Store, source_files: Iterable[str], live: bool, path: Path) -> None:
    """Write all of a session to one file, which appears when it is complete."""
    sources = _user_sources(store, source_files)
    index = SnapshotFile(
        magic=MAGIC,
        version=VERSION,
        created_unix_ns=time.time_ns(),
        live=live,
        sources={file: f"sources/{number}-{PurePath(file).name}" for number, file in enumerate(sources)},
    )
    with atomic_file(path) as stream, zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(_INDEX, msgspec.json.encode(index))
        archive.writestr(SESSION_FILE, msgspec.json.encode(store.session_file))
        exit_file = store.exit_file()
        if exit_file:
            archive.writestr(EXIT_FILE, msgspec.json.encode(exit_file))
        for name in store.recordings():
            _copy_whole_lines(store.open(name), archive, name)
        archive.writestr(OUTPUT_FILE, store.output_tail(OUTPUT_LIMIT_BYTES))
        for file, text in sources.items():
            archive.writestr(index.sources[file], text)


def _user_sources(store: Store, files: Iterable[str]) -> dict[str, bytes]:
    script = next((part for part in store.session_file.argv if part.endswith(".py")), "")
    texts = {file: store.source(file) for file in sorted(files) if is_users(file, script)}
    return {file: text for file, text in texts.items() if text is not None}


def _copy_whole_lines(stream: Stream, archive: zipfile.ZipFile, name: str) -> None:
    pending = b""
    # The size is not known before: a live recording grows while it is copied.
    with archive.open(name, "w", force_zip64=True) as member:
        try:
            while chunk := stream.read(CHUNK_BYTES):
                whole, newline, rest = chunk.rpartition(b"\n")
                if newline:
                    _write(member, pending, whole, newline)
                    pending = rest
                else:
                    pending += chunk
        finally:
            stream.close()


def _write(member: IO[bytes], *parts: bytes) -> None:
    for part in parts:
        member.write(part)


def _unreadable(path: Path, error: BaseException) -> ProfilerError:
    reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
    return ProfilerError(
        f"{path} is not a readable snapshot ({reason or type(error).__name__}): "
        "it is damaged, cut off, or no .pdnn file. Copy or export it again."
    )
