"""The files of a session folder, with the small JSON files as values."""

from __future__ import annotations

import fcntl
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO, TypeVar

import msgspec

from profilednn_tui.errors import ProfilerError
from profilednn_tui.paths import FILE_MODE, SESSION_FILE
from profilednn_tui.plain import decode_plain
from profilednn_tui.protocol.events import MAGIC, VERSION
from profilednn_tui.session.spread import Spread
from profilednn_tui.session.storage.files import read_file
from profilednn_tui.session.storage.limits import Integer

OUTPUT_FILE = "output.log"
"""Raw output of the target's terminal, if we gave it one."""
EXIT_FILE = "exit.json"
HOLDER_FILE = "holder.json"
MIRROR_FILE = "mirror.json"

STREAM_ENDED, STREAM_SO_FAR = "ended", "so far"
"""How the stream of a session ends: with the session, or with what there is of it by now."""
INPUT_FIFO = "stdin"

SMALL_FILE_BYTES = 1_000_000
"""Upper bound on the size of a small file."""

UNREADABLE = (msgspec.MsgspecError, UnicodeDecodeError, RecursionError)
"""What decoding raises for text that is damaged, of another format, or nested too deeply."""

_Small = TypeVar("_Small")


@dataclass(frozen=True, slots=True)
class SessionFile:
    """``session.json``: what was started, written by the launcher before the target runs."""

    name: str
    argv: list[str]
    """The target as given by the user: script or command, with its arguments."""
    working_directory: str
    python: str
    """The target's interpreter."""
    start_unix_ns: Integer
    launcher_pid: Integer
    terminal: bool = False
    """Whether we gave the target a terminal, whose output is kept."""
    optimizations: list[str] = field(default_factory=list)
    script_sha256: str = ""
    """Of the script's text when the target was started; empty if no script was identified."""
    attached: bool = False
    """Whether the target was already running: none of our processes is its parent or owns its terminal."""
    scratch: str = ""
    """The copy of the working directory that the target ran in, and that was removed afterwards; empty for none."""
    spread: Spread | None = None
    """How much earlier sessions on this machine differed, if known at the start."""
    epochs: Integer | None = None
    """The number of epochs that the user has named, for programs that do not tell."""
    environment: dict[str, str] = field(default_factory=dict)
    """Variables to set when it is started again; a snapshot, which others may read, has none."""
    host: str = ""
    """The name of the machine that records it."""
    boot: str = ""
    """Names that machine until it restarts; empty if unknown."""
    magic: str = MAGIC
    version: int = VERSION

    def save(self, folder: Path) -> None:
        save_json(folder / SESSION_FILE, self)

    @classmethod
    def load(cls, folder: Path, as_written: bool = False) -> SessionFile:
        """Read the file; a `ProfilerError` if the folder is not a session or is from a newer version.

        Texts are made plain for the terminal; with `as_written`, they are exactly those that were started.
        """
        try:
            data = read_file(folder / SESSION_FILE, SMALL_FILE_BYTES)
        except OSError as error:
            raise ProfilerError(
                f"{folder} is not a session: its {SESSION_FILE} cannot be read ({error.strerror or error}). "
                "See `profilednn-tui list`."
            ) from None
        return cls.decode(data, str(folder), as_written)

    @classmethod
    def decode(cls, data: bytes, where: str, as_written: bool = False) -> SessionFile:
        try:
            decode_plain(data, VersionGuard).check(where)
            return msgspec.json.decode(data, type=cls) if as_written else decode_plain(data, cls)
        except UNREADABLE as error:
            raise ProfilerError(
                f"{where} is not a readable session: its {SESSION_FILE} is damaged ({error})."
            ) from None


@dataclass(frozen=True, slots=True)
class HolderFile:
    """``holder.json``: the process that holds the target, and the target's first process."""

    holder_pid: Integer
    pid: Integer
    start_unix_ns: Integer

    def save(self, folder: Path) -> None:
        save_json(folder / HOLDER_FILE, self)

    @classmethod
    def load(cls, folder: Path) -> HolderFile | None:
        return _load(folder / HOLDER_FILE, cls)


@dataclass(frozen=True, slots=True)
class ExitFile:
    """``exit.json``: how the target's first process ended."""

    exit_code: Integer
    """Negative for a signal."""
    unix_ns: Integer
    user_s: float = 0.0
    system_s: float = 0.0
    max_rss_bytes: Integer = 0

    def save(self, folder: Path) -> None:
        save_json(folder / EXIT_FILE, self)

    @classmethod
    def load(cls, folder: Path) -> ExitFile | None:
        return _load(folder / EXIT_FILE, cls)


@dataclass(frozen=True, slots=True)
class MirrorFile:
    """``mirror.json``: the folder is a copy of a session elsewhere, which a process here keeps up to date."""

    origin: str
    """Where it is copied from, as the user names it."""
    id: str
    """Of the session there."""
    pid: Integer
    """The process that copies it."""
    start_unix_ns: Integer
    """When that process began."""
    connected: bool
    reason: str = ""
    """Why it is not connected; empty if all has been copied."""
    end: str = ""
    """`STREAM_ENDED` or `STREAM_SO_FAR`; empty if the stream broke, or goes on."""

    def save(self, folder: Path) -> None:
        save_json(folder / MIRROR_FILE, self)

    @classmethod
    def load(cls, folder: Path) -> MirrorFile | None:
        return _load(folder / MIRROR_FILE, cls)


@contextmanager
def atomic_file(path: Path) -> Iterator[BinaryIO]:
    """A new private file that takes its name once it is complete, and leaves nothing behind on failure."""
    if path.exists() and not path.is_file():
        with path.open("wb") as stream:  # a device or a pipe is written to, not replaced
            yield stream
        return
    handle, temporary = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    try:
        with os.fdopen(handle, "wb") as stream:
            os.fchmod(stream.fileno(), FILE_MODE)
            yield stream
        os.replace(temporary, path)
    except BaseException:
        os.unlink(temporary)
        raise


@dataclass(frozen=True, slots=True)
class VersionGuard:
    """The part of a file that is read before the rest."""

    magic: str = ""
    version: int = 0

    def check(self, where: str) -> None:
        check_version(self.magic, self.version, where)


def check_version(magic: str, version: int, where: str) -> None:
    """Refuse a file that is not ours, or from a newer version."""
    if magic != MAGIC or version < 1:
        raise ProfilerError(f"{where} was not written by profilednn-tui.")
    if version > VERSION:
        raise ProfilerError(
            f"{where} was recorded by a newer profilednn-tui (format {version}, this one reads up to {VERSION}). "
            "Upgrade profilednn-tui to open it."
        )


def save_json(path: Path, value: object) -> None:
    """Write a small file atomically."""
    with atomic_file(path) as stream:
        stream.write(msgspec.json.encode(value) + b"\n")


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Keep other processes that lock the same path waiting; the lock is a hidden file beside it."""
    lock = path.with_name(f".{path.name}.lock")
    handle = os.open(lock, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, FILE_MODE)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


def _load(path: Path, kind: type[_Small]) -> _Small | None:
    try:
        return decode_plain(read_file(path, SMALL_FILE_BYTES), kind)
    except (OSError, *UNREADABLE):
        return None
