"""The mappings of a process."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

DELETED = " (deleted)"


@dataclass(frozen=True, slots=True)
class Mapping:
    """One line of ``/proc/PID/maps``."""

    begin: int
    end: int
    executable: bool
    offset: int
    """Where the mapping begins in the file, in bytes."""
    path: str
    """As the process sees it; empty for anonymous memory."""

    @property
    def name(self) -> str:
        return self.path.rpartition("/")[2]


def memory_maps(pid: int) -> tuple[Mapping, ...]:
    """The mappings by address; raises `OSError` if they may not be read."""
    with open(f"/proc/{pid}/maps", encoding="utf-8", errors="surrogateescape") as lines:
        return tuple(_parse(lines))


def _parse(lines: Iterable[str]) -> Iterator[Mapping]:
    for line in lines:
        fields = line.rstrip("\n").split(None, 5)
        begin, _, end = fields[0].partition("-")
        path = fields[5].removesuffix(DELETED) if len(fields) > 5 else ""
        yield Mapping(int(begin, 16), int(end, 16), "x" in fields[1], int(fields[2], 16), path)


def free_address(maps: Iterable[Mapping], size: int) -> int:
    """An address inside a large gap, so that a mapping placed there overlaps no other."""
    margin = 1 << 32
    before = 1 << 40
    for mapping in maps:
        if mapping.begin - before > margin + size:
            return (before + margin // 2) & ~0xFFFFF
        before = max(before, mapping.end)
    raise LookupError("no large gap in the address space")
