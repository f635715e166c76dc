"""One recording, read as far as it has been written."""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Protocol
from zipfile import BadZipFile

import msgspec

from profilednn_tui.errors import ProfilerError
from profilednn_tui.protocol import EVENTS, Header
from profilednn_tui.session.folder import UNREADABLE, check_version
from profilednn_tui.session.format import Format

CHUNK_BYTES = 256 * 1024
LINE_LIMIT_BYTES = 64 * 1024 * 1024
"""What is longer is no line of ours."""
READ_ERRORS = (OSError, BadZipFile, zlib.error, EOFError)
"""What a file of a folder, or a damaged member of a snapshot, raises."""


class Stream(Protocol):
    """A file of a folder, or a member of a snapshot."""

    def read(self, size: int, /) -> bytes: ...

    def close(self) -> None: ...


@dataclass(frozen=True, slots=True)
class _Kind:
    event: str


class RecordingReader:
    """Gives each event once; a line whose end is not there yet waits for the next call."""

    def __init__(self, name: str, stream: Stream) -> None:
        self.name = name
        self.bad_lines = 0
        self._stream = stream
        self._tail = b""
        self._format: Format | None = None
        """Nothing before the header."""

    def read(self) -> bytes:
        """The next chunk of the file; empty at the end of what has been written."""
        try:
            return self._stream.read(CHUNK_BYTES)
        except READ_ERRORS as error:
            raise ProfilerError(
                f"The recording {self.name} is damaged and can be read only in part ({error}). "
                "Copy it again if there is another copy."
            ) from None

    def events(self, chunk: bytes) -> Iterator[Any]:
        """The events that a chunk completes."""
        *lines, tail = chunk.split(b"\n")
        if lines:
            lines[0] = self._tail + lines[0]
            self._tail = tail
        else:
            self._tail += tail
        if len(self._tail) > LINE_LIMIT_BYTES:
            self.bad_lines += 1
            self._tail = b""
        for line in lines:
            if self._format is None:
                self._format = self._recognize(line)
            event = self._decode(line, self._format)
            if event is not None:
                yield event

    def close(self) -> None:
        self._stream.close()

    def _recognize(self, line: bytes) -> Format:
        try:
            header = msgspec.json.decode(line, type=Header)
        except UNREADABLE:
            header = Header(magic="", version=0, writer="", pid=0, start_unix_ns=0)
        check_version(header.magic, header.version, f"The recording {self.name}")
        return Format(header)

    def _decode(self, line: bytes, format: Format) -> Any:
        if not line:
            return None
        try:
            kind = EVENTS.get(msgspec.json.decode(line, type=_Kind).event)
            # Not strict: "nan" where a number stands is one that JSON cannot hold.
            return format.translate(msgspec.json.decode(line, type=kind, strict=False)) if kind else None
        except (*UNREADABLE, ValueError, TypeError):
            self.bad_lines += 1
            return None
