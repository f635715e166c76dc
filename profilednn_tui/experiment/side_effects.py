"""What a run did outside its session: files, ports, processes, timeouts."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import msgspec
import psutil

from profilednn_tui.protocol.files import SIDE_EFFECTS
from profilednn_tui.protocol.vocabulary import SESSION
from profilednn_tui.session.storage.files import read_file
from profilednn_tui.session.storage.folder import UNREADABLE

NOTES_BYTES = 16_000_000
VIRTUAL = ("/dev", "/proc", "/sys")
CACHE_MARKS = ("torchinductor_", "torch_extensions", "matplotlib-", "triton")
"""How the names of caches in the folder of temporary files begin; they are made to be shared."""


class Note(msgspec.Struct):
    """One line of the target's own notes."""

    pid: int
    kind: str
    what: str


@dataclass(frozen=True, slots=True)
class SideEffects:
    """The side effects of one run, each sorted and distinct."""

    files: tuple[str, ...] = ()
    """Absolute paths of files that Python code opened for writing, renamed or removed outside the session."""
    ports: tuple[int, ...] = ()
    loader_timeout_s: float | None = None
    """The shortest timeout of a DataLoader; None if none has one."""
    other_sessions: tuple[str, ...] = ()
    """The names of processes that are not in the target's process group, which stopping it would not stop."""


def read_notes(session: Path) -> SideEffects:
    """What the target's processes noted; nothing from damaged lines."""
    try:
        lines = read_file(session / SIDE_EFFECTS, NOTES_BYTES).splitlines()
    except OSError:
        return SideEffects()
    notes = list(_notes(lines))
    timeouts = [float(note.what) for note in notes if note.kind == "loader_timeout" and _is_number(note.what)]
    return SideEffects(
        files=tuple(sorted({note.what for note in notes if note.kind == "file"})),
        ports=tuple(sorted({int(note.what) for note in notes if note.kind == "port" and note.what.isdigit()})),
        loader_timeout_s=min(timeouts, default=None),
    )


@dataclass(slots=True)
class ProcessWatch:
    """Looks, about once a second, for what only the processes themselves show."""

    session: Path
    ports: set[int] = field(default_factory=set)
    outside: dict[int, str] = field(default_factory=dict)
    """By PID, the names of processes outside the target's process group."""

    def look(self, root_pid: int) -> None:
        """Look at all processes of the run that the process with `root_pid` began."""
        for process in _processes_of(root_pid, self.session):
            with suppress(psutil.Error, OSError):
                if os.getpgid(process.pid) != root_pid:
                    self.outside[process.pid] = process.name()
                connections = process.net_connections(kind="inet")
                self.ports.update(one.laddr.port for one in connections if one.status == psutil.CONN_LISTEN)

    def add_to(self, noted: SideEffects) -> SideEffects:
        """The noted side effects and those seen from outside."""
        return SideEffects(
            noted.files,
            tuple(sorted({*noted.ports, *self.ports})),
            noted.loader_timeout_s,
            tuple(sorted(set(self.outside.values()))),
        )


def lasting(files: Iterable[str], own: Path) -> tuple[str, ...]:
    """The files that matter to others: no caches, no devices, no temporary ones that are gone, none in `own`."""
    return tuple(file for file in files if not _is_passing(file, str(own)))


def _is_passing(file: str, own: str) -> bool:
    if file.endswith(".pyc") or "__pycache__" in file:
        return True
    if any(_is_below(file, folder) for folder in (*VIRTUAL, own, *_cache_folders())):
        return True
    temporary = os.path.realpath(tempfile.gettempdir())
    if not _is_below(file, temporary):
        return False
    first = os.path.relpath(file, temporary).split(os.sep)[0]
    return first.startswith(CACHE_MARKS) or not os.path.lexists(file)


def _cache_folders() -> Iterator[str]:
    home = os.path.expanduser("~")
    yield os.environ.get("XDG_CACHE_HOME") or os.path.join(home, ".cache")
    yield from (os.path.join(home, name) for name in (".config/matplotlib", ".triton", ".nv"))


def _is_below(file: str, folder: str) -> bool:
    return file == folder or file.startswith(folder.rstrip("/") + "/")


def _notes(lines: Iterable[bytes]) -> Iterator[Note]:
    for line in lines:
        with suppress(*UNREADABLE):
            yield msgspec.json.decode(line, type=Note)


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _processes_of(root_pid: int, session: Path) -> Iterator[psutil.Process]:
    """A process, its descendants, and those of the same run that have lost their parent."""
    wanted = str(session)
    for process in psutil.process_iter():
        with suppress(psutil.Error, OSError):
            if process.pid == root_pid or process.environ().get(SESSION) == wanted:
                yield process
