"""Adds up verbose logs as they stream by.

A line is identified by its text without timestamp and time, so that the usual line costs one dictionary lookup. Only
one row is kept per distinct text: memory grows with the number of distinct primitives, not with the log.

Others may have wrapped the lines: in colours, quotes, JSON (``docker logs``) or two bytes per character (PowerShell).
"""

from __future__ import annotations

import gzip
import os
import re
import time
import zlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from io import BufferedReader

from profilednn_tui.errors import ProfilerError
from profilednn_tui.onednn.line import MARKER, Entry, Event, FieldNames, Line, Version, parse
from profilednn_tui.onednn.records import Primitive, PrimitiveLog, PrimitiveUse, Tally
from profilednn_tui.plain import plain

CHUNK_BYTES = 1 << 20
LONGEST_LINE_BYTES = 1 << 20
"""A longer line is not oneDNN's and is not kept."""
FOLLOW_INTERVAL_S = 0.25
STANDARD_INPUT = "-"

_MARKED = b"_verbose"
_COLOURS = re.compile(rb"\x1b\[[0-9;?]*[ -/]*[@-~]")
_TO_THE_TIME = re.compile(rb".*?,\d+(?:\.\d+)?(?:[eE][-+]?\d+)?(?![\w.,:+-])")
_WRAPPING = re.compile(rb"[\"`\\].*")
_BYTE_ORDER_MARKS = (b"\xff\xfe", b"\xfe\xff")
_EXAMPLE_CHARACTERS = 120
_GZIP_MAGIC = b"\x1f\x8b"
_VERSION_LINES = 64

_Sums = list[float]  # count, total, least, most


class LogReader:
    """Reads logs piece by piece; `log` returns the result so far at any time."""

    def __init__(self) -> None:
        self._known: dict[bytes, _Sums] = {}
        self._sums: dict[tuple[Primitive, Event], _Sums] = {}
        self._template: FieldNames | None = None
        self._stamped = False
        self._rest = b""
        self._skipping = False
        self._wide: bool | None = None
        self._lines = 0
        self._bad_lines = 0
        self._bad_example = ""
        self._remarks = 0
        self._versions: dict[str, None] = {}
        self._damage: list[str] = []

    def feed(self, chunk: bytes) -> None:
        """Add the next bytes; an incomplete line waits for the rest."""
        if self._wide is None and chunk:
            self._wide = chunk.startswith(_BYTE_ORDER_MARKS) or b"\0" in chunk[:4]
        if self._wide:
            chunk = chunk.replace(b"\0", b"")  # oneDNN's lines are ASCII, so this decodes UTF-16 and UTF-32
        lines = (self._rest + chunk).split(b"\n")
        rest = lines.pop()
        if self._skipping and lines:
            del lines[0]
            self._skipping = False
        self._lines += len(lines)
        if len(rest) > LONGEST_LINE_BYTES or self._skipping:
            if not self._skipping:
                self._lines += 1
                self._bad_lines += MARKER.search(rest) is not None
            self._skipping, rest = True, b""
        self._rest = rest
        self._add(lines)

    def end_file(self, damage: str | None = None) -> None:
        """End the current file; the next one starts with a line of its own."""
        last, self._rest = self._rest, b""
        if last and not self._skipping:
            self._lines += 1
            self._add([last])
        self._skipping, self._template, self._wide = False, None, None
        if damage is not None:
            self._damage.append(damage)

    def log(self) -> PrimitiveLog:
        """The result so far."""
        figures: dict[Primitive, dict[Event, Tally]] = {}
        for (primitive, event), (count, total, least, most) in self._sums.items():
            figures.setdefault(primitive, {})[event] = Tally(int(count), total, least, most)
        uses = [
            PrimitiveUse(
                primitive,
                tallies.get(Event.EXECUTION, Tally()),
                tallies.get(Event.CREATION, Tally()),
                tallies.get(Event.CACHED, Tally()),
            )
            for primitive, tallies in figures.items()
        ]
        uses.sort(key=lambda use: -use.execution.total_ms)
        return PrimitiveLog(
            tuple(uses),
            self._lines,
            sum(int(sums[0]) for sums in self._sums.values()),
            self._bad_lines,
            self._remarks,
            self._bad_example,
            tuple(self._versions),
            tuple(self._damage),
        )

    def _add(self, lines: list[bytes]) -> None:
        known, stamped = self._known, self._stamped
        for line in lines:
            if stamped:
                end = line.rfind(b",")
                key, figure = line[_key_begin(line) : end], line[end + 1 :]
            else:
                key, _, figure = line.rpartition(b",")
            sums = known.get(key)
            if sums is None:
                if _MARKED in line:
                    self._meet(line)
                    stamped = self._stamped
                continue
            try:
                time_ms = float(figure)
            except ValueError:
                time_ms = -1.0
            if 0.0 <= time_ms < 1e300:
                sums[0] += 1
                sums[1] += time_ms
                if time_ms < sums[2]:
                    sums[2] = time_ms
                elif time_ms > sums[3]:
                    sums[3] = time_ms
            else:
                self._count_bad(line)

    def _meet(self, line: bytes) -> None:
        """Parse a line not seen before; what another program put around it is cut off."""
        parts = _unwrapped(line)
        if parts != [line]:
            self._add(parts)
            return
        told = parse(line.partition(b",")[2].decode("utf-8", "replace"), self._template)
        if isinstance(told, Entry):
            self._count(told, line)
        elif isinstance(told, FieldNames):
            self._template = told
        elif isinstance(told, Version) and len(self._versions) < _VERSION_LINES:
            self._versions[told.text] = None
        if told is Line.BAD:
            self._count_bad(line)
        elif not isinstance(told, Entry):
            self._remarks += 1

    def _count_bad(self, line: bytes) -> None:
        self._bad_lines += 1
        self._bad_example = self._bad_example or plain(line.decode("utf-8", "replace").strip())[:_EXAMPLE_CHARACTERS]

    def _count(self, entry: Entry, line: bytes) -> None:
        """Add an entry; from now on, the same line with another time is recognized."""
        sums = self._sums.setdefault((entry.primitive, entry.event), [0, 0.0, entry.time_ms, entry.time_ms])
        sums[0] += 1
        sums[1] += entry.time_ms
        sums[2] = min(sums[2], entry.time_ms)
        sums[3] = max(sums[3], entry.time_ms)
        if entry.decimal_comma:
            return  # its last comma does not separate fields
        if entry.stamped != self._stamped:
            self._known.clear()
            self._stamped = entry.stamped
        self._known[line[_key_begin(line) if entry.stamped else 0 : line.rfind(b",")]] = sums


def _key_begin(line: bytes) -> int:
    """The index at which a line continues after its timestamp, which follows the version if there is one."""
    begin = line.find(b",") + 1
    if line.startswith(b"v", begin):
        begin = line.find(b",", begin) + 1
    return line.find(b",", begin)


def _unwrapped(line: bytes) -> list[bytes]:
    """oneDNN's lines in a line, without the text around them: each ends with its time."""
    if b"\x1b" in line:
        line = _COLOURS.sub(b"", line)
    starts = [match.start() for match in MARKER.finditer(line)]
    parts = [line[start:end] for start, end in zip(starts, [*starts[1:], len(line)], strict=False)]
    whole = [_TO_THE_TIME.match(part) for part in parts]
    return [
        match[0] if match is not None else _WRAPPING.sub(b"", part) for part, match in zip(parts, whole, strict=True)
    ]


def read_logs(names: Sequence[str]) -> PrimitiveLog:
    """Read files, ``-`` for standard input, gzip or not; raises `ProfilerError` if one cannot be read."""
    reader = LogReader()
    for name in names:
        with _opened(name) as stream:
            damage = None
            try:
                while chunk := stream.read1(CHUNK_BYTES):
                    reader.feed(chunk)
            except (EOFError, zlib.error, gzip.BadGzipFile):
                damage = f"{name} is truncated or damaged: only what precedes the damage was read."
            reader.end_file(damage)
    return reader.log()


def follow_log(name: str, wait: Callable[[float], object] = time.sleep) -> Iterator[PrimitiveLog]:
    """Follow a growing file (or standard input): yields whenever it grows, until it is removed or truncated."""
    reader = LogReader()
    with _opened(name) as stream:
        while True:
            grown = False
            while chunk := stream.read1(CHUNK_BYTES):
                reader.feed(chunk)
                grown = True
            if grown:
                yield reader.log()
            if name == STANDARD_INPUT or not os.path.exists(name) or os.path.getsize(name) < stream.tell():
                reader.end_file()
                yield reader.log()
                return
            wait(FOLLOW_INTERVAL_S)


@contextmanager
def _opened(name: str) -> Iterator[BufferedReader | gzip.GzipFile]:
    try:
        raw = open(  # noqa: SIM115 (closed below)
            0 if name == STANDARD_INPUT else name, "rb", closefd=name != STANDARD_INPUT
        )
    except OSError as error:
        raise ProfilerError(
            f"Cannot read {name}: {error.strerror or error}. Name a verbose log written by oneDNN."
        ) from None
    with raw as stream:
        yield gzip.GzipFile(fileobj=stream) if stream.peek(2)[:2] == _GZIP_MAGIC else stream
