"""Addresses of exported functions in another process, from ``.dynsym`` alone: no debug symbols, no compiled helper.

Files are opened through ``/proc/PID/root``, so that a process with its own mounts or root directory is read as it sees
them.
"""

from __future__ import annotations

import os
import struct
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from profilednn_tui.attach.memory_maps import Mapping

_LOADABLE = 1
_DYNAMIC_SYMBOLS = 11
_PAGE = 0x1000


class NotElfError(Exception):
    """The file is not a 64-bit ELF file."""


@dataclass(frozen=True, slots=True)
class _Segment:
    offset: int
    address: int
    file_size: int


def exported_addresses(pid: int, mapped: Sequence[Mapping], names: Collection[str]) -> dict[str, int]:
    """Addresses in the process of those `names` that the file behind `mapped` exports."""
    path = mapped[0].path
    with _open(pid, path) as stream:
        segments, values = _read(stream, names)
    first = min(mapped, key=lambda mapping: mapping.offset)
    bias = _bias(first, segments)
    return {name: value + bias for name, value in values.items()}


def _open(pid: int, path: str) -> BinaryIO:
    root = os.readlink(f"/proc/{pid}/root")
    within = path.removeprefix(root) if path.startswith(f"{root}/") else path  # maps may include the root directory
    try:
        return open(f"/proc/{pid}/root{within}", "rb")
    except OSError:
        # The file has been deleted, but the link to the executable still opens it.
        if Path(f"/proc/{pid}/exe").readlink().as_posix().startswith(path):
            return open(f"/proc/{pid}/exe", "rb")
        raise


def _bias(first: Mapping, segments: Sequence[_Segment]) -> int:
    for segment in segments:
        start = segment.offset & -_PAGE
        if start <= first.offset < segment.offset + segment.file_size or first.offset == start:
            return first.begin - ((segment.address & -_PAGE) + first.offset - start)
    raise NotElfError(f"{first.path} has no segment at offset {first.offset:#x}")


def _read(stream: BinaryIO, names: Collection[str]) -> tuple[list[_Segment], dict[str, int]]:
    head = stream.read(64)
    if head[:5] != b"\x7fELF\x02" or len(head) < 64:
        raise NotElfError("not a 64-bit ELF file")
    segments_at, sections_at = struct.unpack_from("<QQ", head, 32)
    segment_size, segment_count, section_size, section_count = struct.unpack_from("<HHHH", head, 54)
    segments = []
    for row in _rows(stream, segments_at, segment_size, segment_count):
        kind, _, offset, address, _, file_size = struct.unpack_from("<IIQQQQ", row)
        if kind == _LOADABLE:
            segments.append(_Segment(offset, address, file_size))
    sections = [struct.unpack("<IIQQQQIIQQ", row) for row in _rows(stream, sections_at, section_size, section_count)]
    values: dict[str, int] = {}
    for section in sections:
        if section[1] == _DYNAMIC_SYMBOLS:
            strings = _slice(stream, *sections[section[6]][4:6])
            values |= _symbols(_slice(stream, section[4], section[5]), strings, names)
    return segments, values


def _symbols(table: bytes, strings: bytes, names: Collection[str]) -> dict[str, int]:
    wanted = {name.encode(): name for name in names}
    found = {}
    for name_at, _, _, section, value, _ in struct.iter_unpack("<IBBHQQ", table):
        name = wanted.get(strings[name_at : strings.find(b"\0", name_at)]) if section else None
        if name is not None:
            found[name] = value
    return found


def _rows(stream: BinaryIO, at: int, size: int, count: int) -> list[bytes]:
    data = _slice(stream, at, size * count)
    return [data[start : start + size] for start in range(0, len(data), size)]


def _slice(stream: BinaryIO, at: int, size: int) -> bytes:
    stream.seek(at)
    return stream.read(size)
