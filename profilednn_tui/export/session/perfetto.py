"""Perfetto's TrackEvent protobuf, https://perfetto.dev/docs/getting-started/converting."""

from __future__ import annotations

import gzip
import json
import zipfile
from collections.abc import Collection, Iterable, Iterator, Sequence
from itertools import chain, count, groupby
from typing import IO, Any, cast

from profilednn_tui.export.session.tracks import Item, Slice, Track, Value, moments, process_tracks, tracks
from profilednn_tui.ranks.clocks import unix_shifts
from profilednn_tui.session.open_session import OpenSession, ProcessTimeline
from profilednn_tui.session.view import RankRecord

MANIFEST = "perfetto_manifest.json"
"""First in an archive of several traces: https://perfetto.dev/docs/reference/perfetto-manifest."""
CLOCK = "BOOTTIME"
"""Perfetto's name of the clock of a trace without snapshots of clocks; ours has Unix times."""
_SEQUENCE = 1
_LEVEL = 6


def write_perfetto(session: OpenSession, stream: IO[bytes]) -> None:
    """All processes in one trace, compressed by gzip."""
    with gzip.GzipFile(fileobj=stream, mode="wb", compresslevel=_LEVEL, mtime=0) as packed:
        _write(tracks(session), cast(IO[bytes], packed))


def write_perfetto_zip(session: OpenSession, stream: IO[bytes]) -> None:
    """One trace for each process, with the manifest that tells their machines and how the clocks of these differ."""
    processes = list(session.timelines())
    paths = [f"{process.name.replace(' ', '-')}-{process.pid}.pftrace" for process in processes]
    files = _files(paths, processes, session.view().ranks)
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(MANIFEST, json.dumps({"perfetto_manifest": {"version": 1, "files": files}}, indent=1))
        first = 1
        for path, process in zip(paths, processes, strict=True):
            with archive.open(path, "w", force_zip64=True) as member:
                first = 1 + _write(process_tracks(process, first), member)


def _files(
    paths: Sequence[str], processes: Sequence[ProcessTimeline], ranks: Sequence[RankRecord]
) -> list[dict[str, Any]]:
    """The entries of the manifest: times of other machines than that of the first file are related to its clock."""
    groups = {record.key: record.groups[0] for record in ranks if record.groups}
    shifts_ns = unix_shifts(ranks)
    names: dict[str, str] = {}
    """Of machines, by their clocks: machines may have the same host name."""
    files: list[dict[str, Any]] = []
    for path, process in zip(paths, processes, strict=True):
        group = groups.get(process.key)
        clock, host = (group.clock, group.host) if group is not None else ("", "")
        name = names.setdefault(clock, _unused(host or "machine", names.values()))
        entry: dict[str, Any] = {"path": path, "machine": {"name": name}}
        if files and name != files[0]["machine"]["name"]:
            offset_ns = shifts_ns.get(process.key, 0) - shifts_ns.get(processes[0].key, 0)
            entry["clocks"] = {
                "clock": CLOCK, "sync_to": {"file": paths[0], "clock": CLOCK}, "offset_ns": offset_ns,
            }  # fmt: skip
        files.append(entry)
    return files


def _unused(name: str, used: Collection[str]) -> str:
    """The name, or that with a number."""
    numbered = (f"{name} ({number})" for number in count(2))
    return next(one for one in chain((name,), numbered) if one not in used)


def _write(items: Iterable[Item], stream: IO[bytes]) -> int:
    """Write packets one by one; returns the largest number of a track."""
    from perfetto.trace_builder.proto_builder import StreamingTraceProtoBuilder

    builder = StreamingTraceProtoBuilder(stream)
    largest = 0
    for track, some in groupby(items, lambda item: 0 if isinstance(item, Track) else item.track):
        if not track:
            for one in some:
                assert isinstance(one, Track)
                largest = max(largest, one.number)
                builder.write_packet(_descriptor(builder.create_packet(), one))
            continue
        for packet in _events(builder, track, some):
            builder.write_packet(packet)
    return largest


def _descriptor(packet: Any, track: Track) -> Any:
    described = packet.track_descriptor
    described.uuid = track.number
    if track.number == track.process:
        described.process.pid = track.pid
        described.process.process_name = track.name
    else:
        described.parent_uuid = track.process
        described.name = track.name
        if track.values:
            described.counter.unit_name = track.name
    packet.trusted_packet_sequence_id = _SEQUENCE
    return packet


def _events(builder: Any, track: int, items: Iterable[Item]) -> Iterator[Any]:
    slices = []
    for item in items:
        if isinstance(item, Value):
            yield _packet(builder, track, item.unix_ns, "TYPE_COUNTER", value=item.value)
        else:
            assert isinstance(item, Slice)
            slices.append(item)
    for unix_ns, one in moments(slices):
        yield _packet(builder, track, unix_ns, "TYPE_SLICE_END" if one is None else "TYPE_SLICE_BEGIN", one)


def _packet(
    builder: Any, track: int, unix_ns: int, kind: str, one: Slice | None = None, value: float | None = None
) -> Any:
    packet = builder.create_packet()
    packet.timestamp = unix_ns
    packet.trusted_packet_sequence_id = _SEQUENCE
    event = packet.track_event
    event.track_uuid = track
    event.type = getattr(type(event), kind)
    if value is not None:
        event.double_counter_value = value
    if one is not None:
        event.name = one.name
        for name, told in one.arguments.items():
            note = event.debug_annotations.add()
            note.name = name
            if isinstance(told, str):
                note.string_value = told
            else:
                note.double_value = told
    return packet
