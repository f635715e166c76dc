"""Chrome's trace events, https://docs.google.com/document/d/1CvAClvFfyA5R-PhYUmn5OOQtYMH4h6I0nSsKchNAySU."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import BinaryIO

from profilednn_tui.export.session.tracks import Item, Slice, Track, tracks
from profilednn_tui.session.open_session import OpenSession

_NS_PER_US = 1_000


def write_chrome(session: OpenSession, stream: BinaryIO) -> None:
    """All processes, one event a line; times in microseconds since the first event."""
    stream.writelines(_parts(session))


def _parts(session: OpenSession) -> Iterator[bytes]:
    base: int | None = None
    tracks_by_number: dict[int, Track] = {}
    yield b'{"displayTimeUnit":"ms","otherData":{"exporter":"profilednn-tui"},"traceEvents":[\n'
    separator = b""
    for item in tracks(session):
        if isinstance(item, Track):
            tracks_by_number[item.number] = item
            event = _metadata(item)
        else:
            base = _time(item) if base is None else base
            event = _event(item, tracks_by_number[item.track], base)
        yield separator + json.dumps(event, separators=(",", ":"), allow_nan=False).encode()
        separator = b",\n"
    yield b"\n]}\n"


def _time(item: Item) -> int:
    assert not isinstance(item, Track)
    return item.start_unix_ns if isinstance(item, Slice) else item.unix_ns


def _metadata(track: Track) -> dict[str, object]:
    is_process = track.number == track.process
    kind, name = ("process_name", f"{track.name} (pid {track.pid})") if is_process else ("thread_name", track.name)
    return {"ph": "M", "name": kind, "pid": track.process, "tid": track.number, "args": {"name": name}}


def _event(item: Item, track: Track, base_unix_ns: int) -> dict[str, object]:
    assert not isinstance(item, Track)
    place = {"pid": track.process, "tid": track.number, "ts": (_time(item) - base_unix_ns) / _NS_PER_US}
    if isinstance(item, Slice):
        return {"ph": "X", "name": item.name, "dur": item.duration_ns / _NS_PER_US, **place} | (
            {"args": dict(item.arguments)} if item.arguments else {}
        )
    return {"ph": "C", "name": track.name, **place, "args": {"value": item.value}}
