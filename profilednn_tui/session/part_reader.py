"""Reads what one machine recorded into a session, and looks whether the target is still there."""

from __future__ import annotations

import os
from collections.abc import Callable, Collection
from pathlib import Path
from typing import Any

from profilednn_tui.clock import Clock
from profilednn_tui.errors import ProfilerError
from profilednn_tui.protocol.events import EVENTS, ExitEvent, NoticeEvent
from profilednn_tui.protocol.files import recording_pid
from profilednn_tui.protocol.vocabulary import INFO, WARNING
from profilednn_tui.session.keys import process_key
from profilednn_tui.session.model.session import Session
from profilednn_tui.session.notices import UNREADABLE
from profilednn_tui.session.storage.elsewhere import Growth, is_elsewhere
from profilednn_tui.session.storage.folder import EXIT_FILE, ExitFile, HolderFile, MirrorFile
from profilednn_tui.session.storage.reader import RecordingReader
from profilednn_tui.session.storage.store import MAX_AGENTS, Store

LIVENESS_INTERVAL_S = 1.0
FULL_BYTES = 8_192
"""With less free space a disk counts as full, as files grow by whole blocks."""
END_GRACE_S = 5.0
"""How long a running launcher has to report how the target ended."""


class PartReader:
    """Reads one folder or snapshot; the session has a part for it under the same number."""

    def __init__(
        self,
        store: Store,
        machine: int,
        session: Session,
        alive: Callable[[int, int], bool],
        clock: Clock,
        kinds: Collection[str] = EVENTS,
    ) -> None:
        """Only events of these `kinds` are read."""
        self.store = store
        self.behind = False
        """Whether the last `poll` stopped at its deadline: poll again at once."""
        self._machine = machine
        self._session = session
        self._alive = alive
        self._clock = clock
        self._kinds = kinds
        self._readers: dict[str, RecordingReader | None] = {}
        """None for a recording that cannot be read."""
        self._next_liveness_s = 0.0
        self._faults: set[str] = set()
        self._silent_since_s: float | None = None
        self._growth = Growth()
        self._stream_lost = ""
        """Why a copy does not grow, as told last."""
        if store.cut_short:
            self._notice("snapshot-live", "The snapshot was taken while the target was running: it ends there.", INFO)

    def poll(self, deadline_s: float) -> bool:
        """Read new data until then; True if there was any."""
        exit_file = None if self._session.exited(self._machine) else self._exit_file()
        self.behind = False
        changed = False
        for name in self.store.recordings():
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
            self._session.apply(process_key(self._machine, 0), event)
            changed = True
        return self._check_liveness() or changed

    def close(self) -> None:
        """Close the files."""
        for reader in self._readers.values():
            if reader:
                reader.close()
        self.store.close()

    def _exit_file(self) -> ExitFile | None:
        try:
            return self.store.exit_file()
        except OSError as error:
            text = f"How the target ended cannot be read ({error.strerror or error}). Copy the file again."
            self._notice(UNREADABLE + EXIT_FILE, text, WARNING)
            return None

    def _open(self, name: str) -> RecordingReader | None:
        try:
            return RecordingReader(name, self.store.open(name), self._kinds)
        except OSError as error:
            self._notice(UNREADABLE + name, f"The recording {name} cannot be read ({error}).", WARNING)
            return None

    def _read_chunk(self, reader: RecordingReader) -> bool:
        before = reader.bad_lines
        key = process_key(self._machine, recording_pid(reader.name) or 0)
        try:
            chunk = reader.read()
            for event in reader.events(chunk):
                self._apply(key, event)
        except ProfilerError as error:
            self._notice(UNREADABLE + reader.name, str(error), WARNING)
            self._readers[reader.name] = None
            reader.close()
            return True
        if reader.bad_lines > before:
            self._session.add_bad_lines(reader.bad_lines - before)
        return bool(chunk)

    def _apply(self, key: int, event: Any) -> None:
        try:
            self._session.apply(key, event)
        except (ValueError, TypeError, IndexError, OverflowError):
            self._session.add_bad_lines(1)

    def _check_liveness(self) -> bool:
        folder, now_s = self.store.folder, self._clock.monotonic_s()
        ended = folder is None or self._session.exited(self._machine)
        if ended or self.behind or now_s < self._next_liveness_s:
            return False
        assert folder
        self._next_liveness_s = now_s + LIVENESS_INTERVAL_S
        news = self._look_at_disk(folder)
        before = self._session.state
        self._session.set_gone(self._machine, self._is_gone(folder, now_s))
        return self._session.state is not before or news

    def _look_at_disk(self, folder: Path) -> bool:
        """Check for a folder or a disk that takes nothing, which no recording can report; True if that changed."""
        closed = self.store.foreign == "" and not os.access(folder, os.W_OK)
        news = self._tell_fault(
            "folder-closed",
            closed,
            f"Nothing can be written to {folder}: the recording gets gaps. Give it back its permissions.",
            ("Nothing could be written to the session's folder for a while: the recording may have a gap.", WARNING),
        )
        try:
            disk = os.statvfs(folder)
        except OSError:
            return news
        full = disk.f_blocks > 0 and (disk.f_bavail if os.geteuid() else disk.f_bfree) * disk.f_frsize < FULL_BYTES
        return news | self._tell_fault(
            "disk-full",
            full,
            f"The disk is full: the recording gets gaps. Free some space under {folder.parent}.",
            ("The disk was full for a while: the recording may have a gap.", INFO),
        )

    def _tell_fault(self, key: str, there: bool, during: str, after: tuple[str, str]) -> bool:
        """Notice that a fault has come or gone; True if it has."""
        if there is (key in self._faults):
            return False
        if there:
            self._faults.add(key)
            self._notice(key, during, WARNING)
        else:
            self._faults.remove(key)
            self._notice(key, *after)
        return True

    def _is_gone(self, folder: Path, now_s: float) -> bool:
        """Whether the target has vanished, and no process is left to report how, or none did in time."""
        mirror = MirrorFile.load(folder)
        if mirror:
            self._tell_of_stream(mirror)
            return not (mirror.connected and self._alive(mirror.pid, mirror.start_unix_ns))
        if is_elsewhere(self.store.session_file):
            return not self._growth.goes_on(folder, now_s)
        return self._has_vanished(HolderFile.load(folder), now_s)

    def _tell_of_stream(self, mirror: MirrorFile) -> None:
        if mirror.reason == self._stream_lost:
            return
        self._stream_lost = mirror.reason
        if mirror.reason:
            text = f"The stream of {mirror.origin} is lost: {mirror.reason}. It is asked for again."
            self._notice("stream", text, WARNING)
        else:
            self._notice("stream", f"The stream of {mirror.origin} is there again.", INFO)

    def _has_vanished(self, holder: HolderFile | None, now_s: float) -> bool:
        started = self.store.session_file
        if started.attached:
            # Only its recorder can report what happens there.
            witness = (
                (holder.holder_pid, holder.start_unix_ns) if holder else (started.launcher_pid, started.start_unix_ns)
            )
            return not self._alive(*witness)
        targets = {hello.pid: hello.unix_ns for hello in self._session.hellos(self._machine)}
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

    def _notice(self, code: str, text: str, level: str) -> None:
        self._session.apply(process_key(self._machine, 0), NoticeEvent(level, code, text, unix_ns=0))
