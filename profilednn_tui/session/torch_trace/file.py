"""The events of a file that ``torch.profiler``'s ``export_chrome_trace`` has written."""

from __future__ import annotations

import gzip
import os
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

from profilednn_tui.errors import ProfilerError
from profilednn_tui.session.storage.files import open_file
from profilednn_tui.session.storage.folder import UNREADABLE

LIMIT_BYTES = 1_000_000_000
"""Of the text of a trace."""
MOST_EVENTS = 3_000_000
_TOO_LARGE = f"it has more than {LIMIT_BYTES:,} bytes: profile fewer steps"
_LATEST_US = 2.5e15
"""Of times since the epoch, so that sums and differences of three have 64 bits: they reach until 2049."""
_LOOK_BYTES = 4_096
_GZIP = b"\x1f\x8b"
PYTHON = "python_function"
_CATEGORIES = frozenset({"cpu_op", "user_annotation", PYTHON, "Operator"})
"""Of what is read; the last one is that of versions before 1.12."""


class Arguments(msgspec.Struct):
    """What torch tells of an event."""

    dims: Any = msgspec.field(name="Input Dims", default=None)
    types: Any = msgspec.field(name="Input type", default=None)
    sequence: int | None = msgspec.field(name="Sequence number", default=None)
    forward_thread: int | None = msgspec.field(name="Fwd thread id", default=None)
    call_from: str = msgspec.field(name="CallFrom", default="")
    module: int | None = msgspec.field(name="Python module id", default=None)


class _Event(msgspec.Struct):
    ph: str = ""
    cat: str = ""
    name: str = ""
    pid: int | str = 0
    tid: int | str = 0
    ts: float = 0.0
    dur: float = 0.0
    args: msgspec.Raw = msgspec.Raw()  # decoded only for what is read


class _File(msgspec.Struct, rename="camel"):
    trace_events: list[_Event]
    base_time_nanoseconds: int = 0
    host: str = msgspec.field(name="host_name", default="")


@dataclass(frozen=True, slots=True)
class TorchEvent:
    """An operator, an annotation or a Python function."""

    name: str
    category: str
    pid: int
    tid: int
    start_ns: int
    end_ns: int
    arguments: Arguments


@dataclass(frozen=True, slots=True)
class TorchTrace:
    """What a file holds of operators."""

    events: tuple[TorchEvent, ...]
    base_unix_ns: int
    """To be added to the times of events; 0 in files of earlier versions, whose times are since the epoch."""
    host: str


def is_torch_trace(path: Path) -> bool:
    """Whether a file looks like one: JSON, maybe compressed."""
    try:
        with open_file(path, follow=True) as stream:
            begin = stream.read(_LOOK_BYTES) or b""
            if begin.startswith(_GZIP):
                begin = zlib.decompressobj(wbits=31).decompress(begin, 16)
    except (OSError, zlib.error):
        return False
    return begin.lstrip()[:1] in (b"{", b"[")


def read_torch_trace(path: Path) -> TorchTrace:
    """Read a file; raises a `ProfilerError` if it is no such trace."""
    try:
        text = _text(path)
    except (OSError, EOFError, zlib.error) as error:
        raise _unreadable(path, getattr(error, "strerror", None) or str(error)) from None
    if text.count(b"{") > 2 * MOST_EVENTS:  # before they take memory: an event has one brace, or two
        raise _unreadable(path, f"it has more than {MOST_EVENTS:,} events")
    try:
        if text.lstrip()[:1] == b"[":  # Chrome reads such files, too
            found = _File(msgspec.json.decode(text, type=list[_Event]))
        else:
            found = msgspec.json.decode(text, type=_File)
    except UNREADABLE as error:
        raise _unreadable(path, str(error)) from None
    if not abs(found.base_time_nanoseconds) < _LATEST_US * 1_000:
        raise _unreadable(path, f"it begins at {found.base_time_nanoseconds} ns")
    chosen = [event for event in found.trace_events if event.ph == "X" and event.cat in _CATEGORIES]
    if not any(event.cat != PYTHON for event in chosen):
        raise ProfilerError(
            f"{path} has no operators: it was written by another program than torch.profiler, or while nothing ran. "
            "Profile at least one step with ProfilerActivity.CPU."
        )
    numbers: dict[int | str, int] = {}
    try:
        events = tuple(_event(event, numbers) for event in chosen)
    except (*UNREADABLE, ValueError, OverflowError) as error:
        raise _unreadable(path, str(error)) from None
    return TorchTrace(events, found.base_time_nanoseconds, found.host)


def _text(path: Path) -> bytes:
    with open_file(path, follow=True) as stream:
        begin = stream.read(2) or b""
        stream.seek(0)
        if begin == _GZIP:
            with gzip.GzipFile(fileobj=stream) as unpacked:
                text = unpacked.read(LIMIT_BYTES + 1)
        else:
            text = b""
            if os.fstat(stream.fileno()).st_size <= LIMIT_BYTES:
                text = stream.read(LIMIT_BYTES + 1) or b""
                while more := stream.read(LIMIT_BYTES + 1 - len(text)):
                    text += more
            else:
                raise OSError(0, _TOO_LARGE)
    if len(text) > LIMIT_BYTES:
        raise OSError(0, _TOO_LARGE)
    return text


def _event(event: _Event, numbers: dict[int | str, int]) -> TorchEvent:
    if not (abs(event.ts) < _LATEST_US and event.dur < _LATEST_US):
        raise ValueError(f"an event at {event.ts:g} µs")
    start_ns = round(event.ts * 1_000)
    arguments = msgspec.json.decode(event.args, type=Arguments) if bytes(event.args) else Arguments()
    tid = numbers.setdefault(event.tid, len(numbers) + 1)
    pid = event.pid if isinstance(event.pid, int) else 0
    return TorchEvent(event.name, event.cat, pid, tid, start_ns, start_ns + max(0, round(event.dur * 1_000)), arguments)


def _unreadable(path: Path, reason: str) -> ProfilerError:
    return ProfilerError(
        f"{path} is not a readable trace of torch.profiler ({reason}). Write it again with export_chrome_trace."
    )
