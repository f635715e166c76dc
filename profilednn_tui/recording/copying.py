"""A copy of a session that is recorded elsewhere, written from its stream."""

from __future__ import annotations

import os
import time
from dataclasses import replace
from pathlib import Path

import msgspec

from profilednn_tui.paths import FOLDER_MODE, folders_with, new_session_folder
from profilednn_tui.protocol.files import HOST_RECORDING, TRACES, recording_pid, trace_pid
from profilednn_tui.session.storage.files import append, regular_files
from profilednn_tui.session.storage.folder import MIRROR_FILE, MirrorFile, atomic_file
from profilednn_tui.session.storage.liveness import is_alive
from profilednn_tui.session.storage.ownership import why_foreign
from profilednn_tui.session.storage.store import COPIED_SOURCES, MAX_AGENTS, SOURCE_LIMIT_BYTES, copied_source
from profilednn_tui.session.storage.tail import SCHEMA, Resume, StreamLine

LIMIT_BYTES = 4_000_000_000
"""Of all recordings of a copy."""
MOST_SOURCES = 5_000


class StreamError(Exception):
    """The stream is not one of ours, or breaks its rules; the text is the end of a sentence."""


class Copy:
    """Writes what the stream tells into a session folder; bounded."""

    def __init__(self, origin: str) -> None:
        """`origin` is how the user names the session; an earlier copy of it goes on."""
        self.folder: Path | None = None
        """None before the first line."""
        self.ended = False
        """Whether the stream has said that there will be nothing more."""
        self._origin = origin
        self._start_unix_ns = time.time_ns()
        self._id = ""
        self._sizes: dict[str, int] = {}
        """Of the recordings, in bytes."""
        self._traces: dict[str, int] = {}
        """Sizes in bytes."""
        self._sources = 0
        self._end = ""
        self._earlier = _earlier_copy(origin)

    def resume(self) -> Resume | None:
        """How far there is a copy; None if there is none."""
        if self.folder is not None:
            return Resume(self._id, self._sizes)
        if self._earlier is not None:
            folder, known = self._earlier
            return Resume(known.id, _whole_lines(folder))
        return None

    def take(self, line: StreamLine) -> None:
        """Write a line; raises a `StreamError`, or an `OSError` if the disk takes no more."""
        if line.stream:
            self._begin(line)
        elif self.folder is None:
            raise StreamError("it does not begin like a session's stream")
        elif line.recording:
            self._append(self.folder, line)
        elif line.trace:
            self._keep_trace(self.folder, line)
        elif line.file:
            self._keep_source(self.folder, line)
        elif line.exit is not None:
            line.exit.save(self.folder)
        elif line.end:
            self.ended = True
            self._end = line.end

    def tell(self, connected: bool, reason: str = "") -> None:
        """Record whether the stream is there, for viewers; `reason` says why not."""
        if self.folder is not None:
            MirrorFile(
                self._origin,
                self._id,
                os.getpid(),
                self._start_unix_ns,
                connected,
                "" if self._end else reason,
                self._end,
            ).save(self.folder)

    def _begin(self, line: StreamLine) -> None:
        if line.stream != SCHEMA or line.session is None or not line.id:
            raise StreamError(f"it is not a stream of {SCHEMA}")
        if self.folder is not None:
            if line.id != self._id:
                raise StreamError("it is that of another session now")
            self.tell(connected=True)
            return
        if self._earlier is not None and self._earlier[1].id == line.id:
            self.folder = self._earlier[0]
            self._sizes = _whole_lines(self.folder)
        else:
            self.folder = new_session_folder(line.session.name)
        self._id = line.id
        self.tell(connected=True)  # before the folder counts as a session, it counts as a copy
        session = replace(line.session, environment={}, launcher_pid=0, attached=False)
        if not session.host:  # an older version does not tell it, and its processes are not here in any case
            session = replace(session, host=self._origin, boot=self._origin)
        session.save(self.folder)

    def _append(self, folder: Path, line: StreamLine) -> None:
        name = line.recording
        if name != HOST_RECORDING and recording_pid(name) is None:
            raise StreamError("it names a file that no session has")
        size = self._sizes.get(name, 0)
        data = b" " * (line.bytes - 1) + b"\n" if line.line is msgspec.UNSET else bytes(line.line) + b"\n"
        if line.offset + len(data) <= size:
            return  # known from an earlier connection
        if line.offset != size:
            raise StreamError("it leaves something out")
        if len(self._sizes) > MAX_AGENTS or sum(self._sizes.values()) + len(data) > LIMIT_BYTES:
            raise StreamError("it is larger than a session may be")
        append(folder / name, data)
        self._sizes[name] = size + len(data)

    def _keep_trace(self, folder: Path, line: StreamLine) -> None:
        if trace_pid(line.trace) is None:
            raise StreamError("it names a file that no session has")
        data = line.text.encode("utf-8", "replace")
        sizes = {**self._traces, line.trace: len(data)}
        if len(sizes) > TRACES * MAX_AGENTS or sum(sizes.values()) > LIMIT_BYTES:
            raise StreamError("it has more traces than a session may have")
        self._traces = sizes
        with atomic_file(folder / line.trace) as stream:
            stream.write(data)

    def _keep_source(self, folder: Path, line: StreamLine) -> None:
        self._sources += 1
        data = line.text.encode("utf-8", "replace")
        if self._sources > MOST_SOURCES or len(data) > SOURCE_LIMIT_BYTES:
            raise StreamError("it has more source text than a session may have")
        (folder / COPIED_SOURCES).mkdir(mode=FOLDER_MODE, exist_ok=True)
        path = copied_source(folder, line.file)
        path.unlink(missing_ok=True)
        append(path, data)


def _earlier_copy(origin: str) -> tuple[Path, MirrorFile] | None:
    """A copy of the same session that no other process continues."""
    for folder in folders_with(MIRROR_FILE):
        known = MirrorFile.load(folder)
        if known is None or known.origin != origin or why_foreign(folder, MIRROR_FILE):
            continue
        if not (known.connected and is_alive(known.pid, known.start_unix_ns)):
            return folder, known
    return None


def _whole_lines(folder: Path) -> dict[str, int]:
    """Cut what a broken write left at the ends of recordings; returns their sizes in bytes."""
    sizes = {}
    for path, status in regular_files(folder):
        if path.name == HOST_RECORDING or recording_pid(path.name) is not None:
            sizes[path.name] = _cut(path, status.st_size)
    return sizes


def _cut(path: Path, size: int) -> int:
    with path.open("r+b") as stream:
        end = size
        while end:
            begin = max(0, end - 65_536)
            stream.seek(begin)
            found = stream.read(end - begin).rfind(b"\n")
            if found >= 0:
                end = begin + found + 1
                break
            end = begin
        if end < size:
            stream.truncate(end)
        return end
