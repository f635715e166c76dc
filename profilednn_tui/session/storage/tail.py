"""A session as a stream of JSON lines, so that it can be followed through a pipe such as that of ssh.

The first line describes the session. Each of the others has one line of a recording, together with its place in the
file, so that a reader that has lost the pipe can have the stream go on where it stopped.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace

import msgspec

from profilednn_tui.errors import ProfilerError
from profilednn_tui.plain import plain
from profilednn_tui.session.storage.folder import ExitFile, SessionFile
from profilednn_tui.session.storage.limits import LINE_BYTES, Integer
from profilednn_tui.session.storage.reader import CHUNK_BYTES, Stream
from profilednn_tui.session.storage.store import MAX_AGENTS, Store, user_sources

SCHEMA = "profilednn.tail/1"
MOST_RESUME_BYTES = 100_000


@dataclass(frozen=True, slots=True)
class Resume:
    """How far a reader has the recordings of a session."""

    id: str
    """Of the session: nothing is left out of another one's stream."""
    offsets: dict[str, Integer] = field(default_factory=dict)
    """Bytes, by recording."""

    def encode(self) -> str:
        """As text for a command line."""
        return msgspec.json.encode(self).decode()

    @classmethod
    def decode(cls, text: str) -> Resume:
        """Read what `encode` wrote; raises a `ProfilerError`."""
        try:
            if len(text) > MOST_RESUME_BYTES:
                raise msgspec.ValidationError("it is too long")
            found = msgspec.json.decode(text.encode(), type=cls)
        except (msgspec.MsgspecError, UnicodeError) as error:
            raise ProfilerError(
                f"--resume does not say how far a stream was read ({plain(str(error))}). Leave it out to read it all."
            ) from None
        if len(found.offsets) > MAX_AGENTS + 1 or any(offset < 0 for offset in found.offsets.values()):
            raise ProfilerError("--resume names places that no stream has. Leave it out to read all of it.")
        return found


class StreamLine(msgspec.Struct, omit_defaults=True, kw_only=True):
    """A line of the stream; one of its kinds has what it needs."""

    stream: str = ""
    """`SCHEMA` in the first line."""
    id: str = ""
    session: SessionFile | None = None
    recording: str = ""
    offset: Integer = -1
    """Bytes before this line in the recording."""
    line: msgspec.Raw | msgspec.UnsetType = msgspec.UNSET
    bytes: Integer = 0
    """Length, with its end, of a line that is left out because it is no JSON."""
    file: str = ""
    trace: str = ""
    """Name of a file with the calls of a window, whose content is `text`; it takes the place of an earlier one."""
    text: str = ""
    """Of a source file, if sources were asked for, or of a trace."""
    exit: ExitFile | None = None
    alive: Integer = 0
    """Unix time in ns, now and then."""
    end: str = ""
    """In the last line: `STREAM_ENDED`, or `STREAM_SO_FAR` if the session may go on."""


def decode_line(data: bytes) -> StreamLine:
    """Read a line; raises msgspec's errors."""
    return msgspec.json.decode(data, type=StreamLine)


class Tail:
    """What there is new in a session, as lines of the stream."""

    def __init__(self, store: Store, resume: Resume | None = None) -> None:
        self._store = store
        self._id = session_id(store)
        self._offsets: Mapping[str, int] = resume.offsets if resume and resume.id == self._id else {}
        self._recordings: dict[str, _Recording | None] = {}
        """None for one that cannot be read."""
        self._sources: set[str] = set()
        self._stamps: dict[str, int] = {}
        """Of the traces that were told."""
        self._told_exit = False

    def first(self) -> bytes:
        """The line that describes the session."""
        session = replace(self._store.session_file, environment={})  # others may read it, as they may a snapshot
        return _encode(StreamLine(stream=SCHEMA, id=self._id, session=session))

    def new(self) -> Iterator[bytes]:
        """The lines since the last call; how the target ended comes after all that it wrote."""
        exit_file = self._store.exit_file()
        for name in self._store.recordings():
            if name not in self._recordings:
                self._recordings[name] = self._open(name)
            recording = self._recordings[name]
            if recording is not None:
                yield from recording.new()
        for name in self._store.traces():
            stamp = self._store.trace_stamp(name)
            if self._stamps.get(name) != stamp:
                self._stamps[name] = stamp
                yield from self._trace(name)
        if exit_file is not None and not self._told_exit:
            self._told_exit = True
            yield _encode(StreamLine(exit=exit_file))

    def _trace(self, name: str) -> Iterator[bytes]:
        """A trace as it is now; none if it cannot be read, or is larger than any of ours."""
        try:
            stream = self._store.open(name)
        except OSError:
            return
        try:
            data = b""
            while len(data) <= LINE_BYTES and (chunk := stream.read(CHUNK_BYTES)):
                data += chunk
        except OSError:
            return
        finally:
            stream.close()
        if len(data) <= LINE_BYTES:
            yield _encode(StreamLine(trace=name, text=data.decode("utf-8", "replace")))

    def sources(self, files: frozenset[str]) -> Iterator[bytes]:
        """The texts of the user's files among these that were not told yet."""
        new = files - self._sources
        self._sources |= new
        for file, text in user_sources(self._store, new):
            yield _encode(StreamLine(file=file, text=text.decode("utf-8", "replace")))

    def _open(self, name: str) -> _Recording | None:
        try:
            return _Recording(name, self._store.open(name), self._offsets.get(name, 0))
        except OSError:
            return None


def alive_line() -> bytes:
    """The stream is whole, though there is nothing new."""
    return _encode(StreamLine(alive=time.time_ns()))


def end_line(end: str) -> bytes:
    """There will be nothing more."""
    return _encode(StreamLine(end=end))


def session_id(store: Store) -> str:
    """Tells a session from others with the same name."""
    started = store.session_file
    return f"{store.location.name} {started.start_unix_ns}"


class _Recording:
    """The lines of one recording from an offset on."""

    def __init__(self, name: str, stream: Stream, offset: int) -> None:
        self._name = name
        self._stream = stream
        self._skip = offset
        self._offset = offset
        """Of the next line."""
        self._rest = b""
        self._damaged = False

    def new(self) -> Iterator[bytes]:
        """Whole lines that were not returned yet; a damaged recording ends early."""
        while not self._damaged and (chunk := self._read()):
            if self._skip:
                self._skip, chunk = self._skip - min(self._skip, len(chunk)), chunk[self._skip :]
            *lines, self._rest = (self._rest + chunk).split(b"\n")
            for line in lines:
                yield self._tell(line)
            self._damaged = len(self._rest) > LINE_BYTES

    def _read(self) -> bytes:
        try:
            return self._stream.read(CHUNK_BYTES)
        except OSError:
            return b""

    def _tell(self, line: bytes) -> bytes:
        offset, length = self._offset, len(line) + 1
        self._offset += length
        try:
            raw = msgspec.json.decode(line, type=msgspec.Raw)
            if bytes(raw) == line:
                return _encode(StreamLine(recording=self._name, offset=offset, line=raw))
        except (msgspec.MsgspecError, UnicodeError, RecursionError):
            pass
        return _encode(StreamLine(recording=self._name, offset=offset, bytes=length))


def _encode(line: StreamLine) -> bytes:
    return msgspec.json.encode(line) + b"\n"
