"""An open session: a live folder, a finished one or a snapshot behind one interface."""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Callable, Collection
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from types import TracebackType
from typing import Any

from profilednn_tui.clock import SYSTEM_CLOCK, Clock
from profilednn_tui.errors import ProfilerError
from profilednn_tui.onednn.roofline import Peaks
from profilednn_tui.paths import FILE_MODE, SESSION_FILE, list_session_folders, session_home
from profilednn_tui.plain import plain
from profilednn_tui.protocol.codec import encode
from profilednn_tui.protocol.events import EVENTS, Command, ExitEvent, NoticeEvent
from profilednn_tui.protocol.files import control_file, recording_pid
from profilednn_tui.protocol.vocabulary import INFO, WARNING
from profilednn_tui.session.model.session import Session
from profilednn_tui.session.storage.folder import INPUT_FIFO, HolderFile, SessionFile
from profilednn_tui.session.storage.liveness import is_alive
from profilednn_tui.session.storage.peaks import CACHE_FILE, PeaksKey, known_peaks
from profilednn_tui.session.storage.reader import RecordingReader
from profilednn_tui.session.storage.snapshot import SUFFIX, SnapshotStore, write_snapshot
from profilednn_tui.session.storage.store import MAX_AGENTS, FolderStore, Store
from profilednn_tui.session.view import SessionView

POLL_BUDGET_S = 0.02
"""A poll of a huge recording stops after this time, so that the screen responds while it loads."""
LIVENESS_INTERVAL_S = 1.0
FULL_BYTES = 8_192
"""With less free space a disk counts as full, as files grow by whole blocks."""
END_GRACE_S = 5.0
"""How long a running launcher has to report how the target ended."""

_LINE_END = re.compile(r"\r\n|\r|\n")
"""Line ends as Python counts them; `splitlines` would count form feeds as well."""

_HOST = 0
"""The writer id for events of the host itself."""


@dataclass(frozen=True, slots=True)
class SourceFile:
    """A source file that a frame names."""

    file: str
    lines: tuple[str, ...] | None = None
    """Plain texts; None if there is no copy of the file here."""
    path: Path | None = None
    """The file on this machine; None if it must not be opened."""
    foreign: str = ""
    """Why it must not be opened."""

    @property
    def missing(self) -> str:
        """Why it cannot be edited, or shown, in one sentence."""
        return self.foreign or (
            f"{self.file} is not on this machine: the session was recorded elsewhere, or the file is gone."
        )


class OpenSession:
    """One session to read, and to control while it is live; closed at the end of a ``with`` block."""

    def __init__(
        self,
        store: Store,
        alive: Callable[[int, int], bool] = is_alive,
        clock: Clock = SYSTEM_CLOCK,
        kinds: Collection[str] = EVENTS,
    ) -> None:
        """Only events of these kinds are read."""
        self.location = store.location
        """The folder or the snapshot file."""
        self.started = store.session_file
        """What was started, and how."""
        self.foreign = store.foreign
        """Why nothing that the session names is run or opened here; empty for the user's own session."""
        self.behind = False
        """Whether the last `poll` stopped at its budget: poll again at once."""
        self._store = store
        self._alive = alive
        self._clock = clock
        self._kinds = kinds
        self._session = Session(store.session_file, store.folder is not None, store.cut_short, _known_peaks)
        self._readers: dict[str, RecordingReader | None] = {}
        """None for a recording that cannot be read."""
        self._next_liveness_s = 0.0
        self._disk_full = False
        self._silent_since_s: float | None = None
        self._sources = lru_cache(maxsize=64)(self._read_source)
        if store.cut_short:
            self._notice("snapshot-live", "The snapshot was taken while the target was running: it ends there.", INFO)

    def __enter__(self) -> OpenSession:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def poll(self) -> bool:
        """Read new data, for some milliseconds at most; True if there was any."""
        deadline_s = self._clock.monotonic_s() + POLL_BUDGET_S
        exit_file = None if self._session.exited else self._store.exit_file()
        self.behind = False
        changed = False
        for name in self._store.recordings():
            if name not in self._readers:
                self._readers[name] = self._open(name)
                if len(self._readers) > MAX_AGENTS:
                    text = f"There are recordings of more than {MAX_AGENTS} processes: the others are not read."
                    self._notice("many-recordings", text, WARNING)
            while not self.behind and (reader := self._readers[name]) and self._read_chunk(reader):
                changed = True
                self.behind = self._clock.monotonic_s() >= deadline_s
        if exit_file and not self.behind:
            # Read before the recordings: all that the target wrote before its end is in the session by now.
            event = ExitEvent(
                exit_file.exit_code, exit_file.unix_ns, exit_file.user_s, exit_file.system_s, exit_file.max_rss_bytes
            )
            self._session.apply(_HOST, event)
            changed = True
        return self._check_liveness() or changed

    def catch_up(self) -> None:
        """Read everything recorded so far."""
        while self.poll():
            pass

    def view(self, window: int | None = None) -> SessionView:
        """The current view; with `window`, its operators are those of that window alone."""
        return self._session.view(window)

    def output_tail(self, max_bytes: int) -> bytes:
        """The end of what the target wrote to its terminal."""
        return self._store.output_tail(max_bytes)

    def source(self, file: str) -> SourceFile:
        """A source file named by a frame, as far as it is available here."""
        return self._sources(file)

    def send(self, command: Command) -> int:
        """Send a command to every running agent; returns their number."""
        folder = self._steered
        agents = self._session.running_agents if folder and self.view().live else ()
        for pid in agents:
            assert folder
            self._append(folder / control_file(pid), encode(command))
        return len(agents)

    def write_input(self, data: bytes) -> int:
        """Write to the target's terminal; returns how many bytes it took, 0 if nothing reads them."""
        if self._steered is None:
            return 0
        try:
            handle = os.open(
                self._steered / INPUT_FIFO, os.O_WRONLY | os.O_NONBLOCK | os.O_NOFOLLOW | os.O_NOCTTY | os.O_CLOEXEC
            )
        except OSError:
            return 0
        try:
            return os.write(handle, data) if stat.S_ISFIFO(os.fstat(handle).st_mode) else 0
        except (BlockingIOError, BrokenPipeError):
            return 0
        finally:
            os.close(handle)

    def select_process(self, pid: int) -> None:
        """Show this process of the target from now on."""
        self._session.select_process(pid)

    @property
    def _steered(self) -> Path | None:
        """The folder if it may be written to, else None."""
        return None if self.foreign else self._store.folder

    @property
    def attached(self) -> bool:
        """Whether the target was already running when it was attached to, so that a viewer may detach from it."""
        return self._store.session_file.attached

    def save_snapshot(self, path: Path) -> None:
        """Write the session as recorded so far to one file."""
        try:
            write_snapshot(self._store, self._session.source_files, self.view().live, path)
        except OSError as error:
            raise ProfilerError(f"Cannot write {path}: {getattr(error, 'strerror', None) or error}.") from None

    def close(self) -> None:
        for reader in self._readers.values():
            if reader:
                reader.close()
        self._store.close()

    def _open(self, name: str) -> RecordingReader | None:
        try:
            return RecordingReader(name, self._store.open(name), self._kinds)
        except OSError as error:
            self._notice(f"unreadable-{name}", f"The recording {name} cannot be read ({error}).", WARNING)
            return None

    def _read_chunk(self, reader: RecordingReader) -> bool:
        before = reader.bad_lines
        try:
            chunk = reader.read()
            for event in reader.events(chunk):
                self._apply(recording_pid(reader.name) or _HOST, event)
        except ProfilerError as error:
            self._notice(f"unreadable-{reader.name}", str(error), WARNING)
            self._readers[reader.name] = None
            reader.close()
            return True
        if reader.bad_lines > before:
            self._session.add_bad_lines(reader.bad_lines - before)
        return bool(chunk)

    def _apply(self, pid: int, event: Any) -> None:
        try:
            self._session.apply(pid, event)
        except (ValueError, TypeError, IndexError, OverflowError):
            self._session.add_bad_lines(1)

    def _check_liveness(self) -> bool:
        folder, now_s = self._store.folder, self._clock.monotonic_s()
        if folder is None or self._session.exited or self.behind or now_s < self._next_liveness_s:
            return False
        self._next_liveness_s = now_s + LIVENESS_INTERVAL_S
        news = self._look_at_disk(folder)
        before = self._session.state
        self._session.set_gone(self._is_gone(HolderFile.load(folder), now_s))
        return self._session.state is not before or news

    def _look_at_disk(self, folder: Path) -> bool:
        """Check for a full disk, which a recording on it cannot report; True if that changed."""
        try:
            disk = os.statvfs(folder)
        except OSError:
            return False
        full = disk.f_blocks > 0 and (disk.f_bavail if os.geteuid() else disk.f_bfree) * disk.f_frsize < FULL_BYTES
        if full is self._disk_full:
            return False
        self._disk_full = full
        if full:
            text = f"The disk is full: the recording gets gaps. Free some space under {folder.parent}."
            self._notice("disk-full", text, WARNING)
        else:
            self._notice("disk-full", "The disk was full for a while: the recording may have a gap.", INFO)
        return True

    def _is_gone(self, holder: HolderFile | None, now_s: float) -> bool:
        """Whether the target has vanished, and no process is left to report how, or none did in time."""
        started: SessionFile = self._store.session_file
        if started.attached:
            # Only its recorder can report what happens there.
            witness = (
                (holder.holder_pid, holder.start_unix_ns) if holder else (started.launcher_pid, started.start_unix_ns)
            )
            return not self._alive(*witness)
        targets = {hello.pid: hello.unix_ns for hello in self._session.hellos}
        witnesses = {started.launcher_pid: started.start_unix_ns}
        if holder:
            targets.setdefault(holder.pid, holder.start_unix_ns)
            witnesses[holder.holder_pid] = holder.start_unix_ns
        if any(self._alive(pid, since) for pid, since in targets.items()):
            self._silent_since_s = None
            return False
        if not any(pid and self._alive(pid, since) for pid, since in witnesses.items()):
            return True
        if not targets:
            return False
        if self._silent_since_s is None:
            self._silent_since_s = now_s
        return now_s - self._silent_since_s >= END_GRACE_S

    def _read_source(self, file: str) -> SourceFile:
        text, path = self._store.source(file), self._store.source_path(file)
        if text is not None:
            lines = _LINE_END.split(text.decode("utf-8", "replace").expandtabs(4))
            return SourceFile(file, tuple(map(plain, lines[:-1] if not lines[-1] else lines)), path, self.foreign)
        return SourceFile(file, None, path, self.foreign)

    def _notice(self, code: str, text: str, level: str) -> None:
        self._session.apply(_HOST, NoticeEvent(level, code, text, unix_ns=0))

    @staticmethod
    def _append(path: Path, line: bytes) -> None:
        try:
            handle = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, FILE_MODE)
            try:
                os.write(handle, line)
            finally:
                os.close(handle)
        except OSError as error:
            raise ProfilerError(f"Cannot send a command through {path}: {error.strerror or error}.") from None


def open_session(
    path_or_name: str | Path, alive: Callable[[int, int], bool] = is_alive, started_here: bool = False
) -> OpenSession:
    """Open a session folder, a session by name or by the beginning of its folder's name, or a ``.pdnn`` file.

    With `started_here`, the caller has created the folder, so that it is not another user's.
    """
    path = Path(os.path.expanduser(path_or_name))
    if os.path.isfile(path):
        return OpenSession(SnapshotStore(path), alive)
    if not os.path.lexists(path / SESSION_FILE):
        path = _find(str(path_or_name)) or path
    if not os.path.isdir(path):
        kind = "file" if path.suffix == SUFFIX else "session, folder or file"
        raise ProfilerError(
            f"There is no {kind} {path_or_name}. `profilednn-tui list` shows the sessions on this machine."
        )
    return OpenSession(FolderStore(path, started_here), alive)


def _known_peaks(key: PeaksKey) -> Peaks | None:
    try:
        home = session_home()
    except ProfilerError:  # anyone can write there, so the figures cannot be trusted
        return None
    return known_peaks(home / CACHE_FILE, key)


def _find(name: str) -> Path | None:
    """A session on this machine: by folder name, by the name that its user gave (the newest), or by a unique prefix."""
    folders = list_session_folders()
    exact = [folder for folder in folders if folder.name == name] or [
        folder for folder in folders if _given_name(folder) == name
    ]
    if exact:
        return exact[0]
    beginning = [folder for folder in folders if name and folder.name.startswith(name)]
    if len(beginning) > 1:
        some = ", ".join(folder.name for folder in beginning[:3])
        raise ProfilerError(
            f"{len(beginning)} sessions under {session_home()} begin with {name}: {some}. Name one of them."
        )
    return beginning[0] if beginning else None


def _given_name(folder: Path) -> str | None:
    try:
        return SessionFile.load(folder).name
    except ProfilerError:
        return None
