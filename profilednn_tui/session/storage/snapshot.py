"""A session in one file, ``NAME.pdnn``: a zip of its recordings and of the user's sources that they name."""

from __future__ import annotations

import errno
import io
import os
import time
import zipfile
import zlib
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field, replace
from itertools import chain
from pathlib import Path, PurePath
from typing import IO

import msgspec

from profilednn_tui.errors import ProfilerError
from profilednn_tui.paths import SESSION_FILE
from profilednn_tui.plain import decode_plain
from profilednn_tui.protocol.events import MAGIC, VERSION
from profilednn_tui.session.storage.files import open_file
from profilednn_tui.session.storage.folder import (
    EXIT_FILE,
    OUTPUT_FILE,
    SMALL_FILE_BYTES,
    UNREADABLE,
    ExitFile,
    SessionFile,
    atomic_file,
    check_version,
)
from profilednn_tui.session.storage.limits import LINE_BYTES
from profilednn_tui.session.storage.ownership import SNAPSHOT
from profilednn_tui.session.storage.reader import CHUNK_BYTES, Stream
from profilednn_tui.session.storage.store import (
    SOURCE_LIMIT_BYTES,
    Store,
    recordings_among,
    traces_among,
    user_sources,
)

SUFFIX = ".pdnn"
OUTPUT_LIMIT_BYTES = 4_000_000

INDEX_BYTES = 4_000_000
"""Limit of the zip's own list of members: 5,000 sources take a tenth of it."""
CHEAP_BYTES = 4_000_000
MAX_COMPRESSION = 100
"""Highest compression ratio beyond `CHEAP_BYTES`: recordings shrink to a tenth, and zeros to a thousandth."""

_INDEX = "snapshot.json"
_METHODS = frozenset({zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED})
"""The compression methods we write. Others take as much memory as the file itself asks for."""
_DAMAGE = (
    OSError, zipfile.BadZipFile, zlib.error, EOFError, KeyError, NotImplementedError, RuntimeError, ValueError,
    OverflowError,
)  # fmt: skip
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
    """File name in the stacks -> member."""


class SnapshotStore:
    """A snapshot file."""

    folder = None
    foreign = SNAPSHOT

    def __init__(self, path: Path) -> None:
        self.location = path
        try:
            self._file = open_file(path, follow=True)
        except OSError as error:
            raise _unreadable(path, error) from None
        try:
            self._zip = zipfile.ZipFile(_BoundedReads(self._file))
            self._check_sizes()
            self._index_file = self._read_index()
            self.session_file = SessionFile.decode(self._member(SESSION_FILE, SMALL_FILE_BYTES), str(path))
            self._exit_file = self._read_exit()
        except _DAMAGE as error:
            self._file.close()
            raise _unreadable(path, error) from None
        except ProfilerError:
            self._file.close()
            raise
        self._output: bytes | None = None

    @property
    def cut_short(self) -> bool:
        return self._index_file.live

    def recordings(self) -> Iterator[str]:
        return recordings_among(self._zip.namelist())

    def traces(self) -> Iterator[str]:
        return traces_among(self._zip.namelist())

    def trace_stamp(self, name: str) -> int:
        return 1

    def open(self, name: str) -> Stream:
        try:
            return _Member(self._open(name))
        except _DAMAGE as error:
            raise OSError(errno.EINVAL, _reason(error)) from None

    def exit_file(self) -> ExitFile | None:
        if self._exit_file is None and EXIT_FILE in self._zip.namelist():
            raise OSError(errno.EINVAL, f"its {EXIT_FILE} is damaged")
        return self._exit_file

    def output_tail(self, max_bytes: int) -> bytes:
        if self._output is None:
            self._output = self._beginning(OUTPUT_FILE, OUTPUT_LIMIT_BYTES) or b""
        return self._output[-max_bytes:] if max_bytes > 0 else b""

    def source(self, file: str) -> bytes | None:
        member = self._index_file.sources.get(file)
        return self._beginning(member, SOURCE_LIMIT_BYTES) if member else None

    def source_path(self, file: str) -> Path | None:
        return None

    def close(self) -> None:
        self._zip.close()
        self._file.close()

    def _read_index(self) -> SnapshotFile:
        try:
            index = decode_plain(self._member(_INDEX, SMALL_FILE_BYTES), SnapshotFile)
        except (*UNREADABLE, KeyError):
            index = SnapshotFile()
        check_version(index.magic, index.version, str(self.location))
        return index

    def _read_exit(self) -> ExitFile | None:
        try:
            return decode_plain(self._beginning(EXIT_FILE, SMALL_FILE_BYTES) or b"", ExitFile)
        except UNREADABLE:
            return None

    def _check_sizes(self) -> None:
        members = self._zip.infolist()
        size = os.fstat(self._file.fileno()).st_size
        if sum(member.compress_size for member in members) > size:
            raise zipfile.BadZipFile("its members overlap")
        claimed = sum(member.file_size for member in members)
        if claimed > CHEAP_BYTES + MAX_COMPRESSION * size:
            raise zipfile.BadZipFile(f"it claims to hold {claimed:,} bytes")

    def _open(self, name: str) -> IO[bytes]:
        """Open a member to read; raises one of `_DAMAGE` if it is not as we write them."""
        info = self._zip.getinfo(name)
        if info.compress_type not in _METHODS:
            raise zipfile.BadZipFile(f"{name} has an unsupported compression method")
        return self._zip.open(info)

    def _member(self, name: str, limit_bytes: int) -> bytes:
        """A whole member; raises one of `_DAMAGE` if it cannot be read or is larger."""
        with self._open(name) as stream:
            data = stream.read(limit_bytes + 1)
        if len(data) > limit_bytes:
            raise zipfile.BadZipFile(f"{name} has more than {limit_bytes:,} bytes")
        return data

    def _beginning(self, name: str, limit_bytes: int) -> bytes | None:
        try:
            with self._open(name) as stream:
                return stream.read(limit_bytes)
        except _DAMAGE:
            return None


class _Member:
    """A recording in a snapshot."""

    def __init__(self, stream: IO[bytes]) -> None:
        self._stream = stream

    def read(self, size: int, /) -> bytes:
        try:
            return self._stream.read(size)
        except _DAMAGE as error:
            raise OSError(errno.EINVAL, _reason(error)) from None

    def close(self) -> None:
        self._stream.close()


class _BoundedReads(io.BufferedReader):
    """The file under a zip; the zip's list of members may claim any size, and is read at once."""

    def read(self, size: int | None = -1, /) -> bytes:
        if size is not None and size > INDEX_BYTES:
            raise zipfile.BadZipFile("its list of members is too long")
        return super().read(size)


def write_snapshot(store: Store, source_files: Iterable[str], live: bool, path: Path) -> None:
    """Write a whole session to one file, which appears once it is complete."""
    sources = dict(user_sources(store, source_files))
    index = SnapshotFile(
        magic=MAGIC,
        version=VERSION,
        created_unix_ns=time.time_ns(),
        live=live,
        sources={file: f"sources/{number}-{PurePath(file).name}" for number, file in enumerate(sources)},
    )
    with atomic_file(path) as stream, zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(_INDEX, msgspec.json.encode(index))
        archive.writestr(SESSION_FILE, msgspec.json.encode(replace(store.session_file, environment={})))
        with suppress(OSError):
            if exit_file := store.exit_file():
                archive.writestr(EXIT_FILE, msgspec.json.encode(exit_file))
        for name in chain(store.recordings(), store.traces()):
            _copy_whole_lines(_chunks(store, name), archive, name)
        archive.writestr(OUTPUT_FILE, store.output_tail(OUTPUT_LIMIT_BYTES))
        for file, text in sources.items():
            archive.writestr(index.sources[file], text)


def _chunks(store: Store, name: str) -> Iterator[bytes]:
    """A recording as far as it can be read."""
    try:
        stream = store.open(name)
    except OSError:
        return
    try:
        while chunk := stream.read(CHUNK_BYTES):
            yield chunk
    except OSError:
        return
    finally:
        stream.close()


def _copy_whole_lines(chunks: Iterator[bytes], archive: zipfile.ZipFile, name: str) -> None:
    pending = b""
    # The size is not known in advance: a live recording grows while it is copied.
    with archive.open(name, "w", force_zip64=True) as member:
        for chunk in chunks:
            whole, newline, rest = chunk.rpartition(b"\n")
            if newline:
                _write(member, pending, whole, newline)
                pending = rest
            elif len(pending) > LINE_BYTES:
                return
            else:
                pending += chunk


def _write(member: IO[bytes], *parts: bytes) -> None:
    for part in parts:
        member.write(part)


def _unreadable(path: Path, error: BaseException) -> ProfilerError:
    return ProfilerError(
        f"{path} is not a readable snapshot ({_reason(error)}): "
        "it is damaged, cut off, or not a .pdnn file. Copy or export it again."
    )


def _reason(error: BaseException) -> str:
    reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
    return reason or type(error).__name__
