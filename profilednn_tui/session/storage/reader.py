"""One recording, read as far as it has been written."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import Any, Protocol

import msgspec

from profilednn_tui.errors import ProfilerError
from profilednn_tui.plain import decode_plain
from profilednn_tui.protocol.events import EVENTS, Header
from profilednn_tui.session.storage import limits
from profilednn_tui.session.storage.folder import UNREADABLE, check_version
from profilednn_tui.session.storage.format import RowFormat

CHUNK_BYTES = 256 * 1024


class Stream(Protocol):
    """A file in a folder, or a member of a snapshot; failures to read raise an `OSError`."""

    def read(self, size: int, /) -> bytes: ...

    def close(self) -> None: ...


@dataclass(frozen=True, slots=True)
class _Kind:
    event: str


class RecordingReader:
    """Yields each event once; an incomplete line is kept for the next call."""

    def __init__(self, name: str, stream: Stream, kinds: Collection[str] = EVENTS) -> None:
        """Only events of these kinds are decoded."""
        self.name = name
        self.bad_lines = 0
        self._stream = stream
        self._kinds = kinds
        self._tail = b""
        self._format: RowFormat | None = None
        """None before the header."""
        self._often: Counter[type[Any]] = Counter()

    def read(self) -> bytes:
        """The next chunk of the file; empty at the end of what has been written."""
        try:
            return self._stream.read(CHUNK_BYTES)
        except OSError as error:
            raise self._damaged(error.strerror or str(error)) from None

    def events(self, chunk: bytes) -> Iterator[Any]:
        """The events completed by a chunk."""
        *lines, tail = chunk.split(b"\n")
        if lines:
            lines[0] = self._tail + lines[0]
            self._tail = tail
        else:
            self._tail += tail
        for line in lines:
            if self._format is None:
                self._format = self._recognize(line)
            event = self._decode(line, self._format)
            if event is not None:
                yield event
        if len(self._tail) > limits.LINE_BYTES:
            raise self._damaged("a line that is too long")

    def close(self) -> None:
        self._stream.close()

    def _recognize(self, line: bytes) -> RowFormat:
        try:
            header = decode_plain(line, Header)
        except UNREADABLE:
            header = Header(magic="", version=0, writer="", pid=0, start_unix_ns=0)
        check_version(header.magic, header.version, f"The recording {self.name}")
        return RowFormat(header)

    def _decode(self, line: bytes, format: RowFormat) -> Any:
        if not line:
            return None
        try:
            event = decode_event(line, self._kinds)
            if event is None:
                return None
            event = format.translate(event)
            limits.check(event)
            self._often[type(event)] += 1
            if self._often[type(event)] > limits.OFTEN.get(type(event), self._often[type(event)]):
                raise ValueError(f"more than {limits.OFTEN[type(event)]} of {event.kind}")
            return event
        except (*UNREADABLE, ValueError, TypeError):
            self.bad_lines += 1
            return None

    def _damaged(self, reason: str) -> ProfilerError:
        return ProfilerError(
            f"The recording {self.name} is damaged and can be read only in part ({reason}). "
            "Copy it again if there is another copy."
        )


def decode_event(line: bytes, kinds: Collection[str] = EVENTS) -> Any:
    """The event of a line, with plain texts; None for a kind that is not among `kinds`, or that this version does not
    know.

    Raises one of `UNREADABLE`, or a `ValueError`, if the line is not an event.
    """
    if line.count(b"[") + line.count(b"{") > limits.BRACKETS:
        raise ValueError("a line with too many lists")
    name = msgspec.json.decode(line, type=_Kind).event
    kind = EVENTS.get(name) if name in kinds else None
    # Not strict: numbers that JSON cannot represent are written as text, such as "nan".
    return decode_plain(line, kind, strict=False) if kind else None
