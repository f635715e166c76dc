"""Small reads from ``/proc`` and ``/sys``; files that are missing or forbidden read as empty."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from dataclasses import dataclass

TICKS_PER_S = os.sysconf("SC_CLK_TCK")
PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")

_SLOW_READ_S = 0.002
_READS = 3
"""A read that took longer than `_SLOW_READ_S` was interrupted and is repeated, up to this many reads in all."""
_EXITING = 0x4
"""The kernel's flag ``PF_EXITING``."""


@dataclass(frozen=True, slots=True)
class Stat:
    """The fields we need from the ``stat`` file of a process or thread."""

    name: str
    state: str
    parent_pid: int
    minor_faults: int
    major_faults: int
    user_ticks: int
    system_ticks: int
    thread_count: int
    start_ticks: int
    """Since boot."""
    rss_pages: int
    core: int
    """The logical CPU it last ran on."""
    exiting: bool = False
    """Whether it is about to end, so that its memory may already be released."""
    children_ticks: int = 0
    """CPU time of its children that have ended and been waited for, with theirs."""
    read_s: float = 0.0
    """Monotonic time at which the counts were valid."""

    @property
    def cpu_ticks(self) -> int:
        return self.user_ticks + self.system_ticks


def read(path: str) -> bytes:
    """The file's content, at most 1 MB; empty if it cannot be read."""
    # `os.open` avoids the overhead of `open`: a sample reads hundreds of these files.
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return b""
    try:
        return os.read(descriptor, 1 << 20)
    except OSError:
        return b""
    finally:
        os.close(descriptor)


def names(path: str) -> list[str]:
    """The entries of a folder; empty if it cannot be read."""
    try:
        return os.listdir(path)
    except OSError:
        return []


def stat(path: str) -> Stat | None:
    """The ``stat`` file of a process or thread; None if it cannot be read."""
    for _ in range(_READS):
        began_s = time.monotonic()
        text = read(path)
        ended_s = time.monotonic()
        if ended_s - began_s < _SLOW_READ_S:
            break
    end = text.rfind(b")")
    if end < 0:
        return None
    field = text[end + 2 :].split()
    return Stat(
        name=text[text.index(b"(") + 1 : end].decode("utf-8", "replace"),
        state=field[0].decode(),
        parent_pid=int(field[1]),
        minor_faults=int(field[7]),
        major_faults=int(field[9]),
        user_ticks=int(field[11]),
        system_ticks=int(field[12]),
        children_ticks=int(field[13]) + int(field[14]),
        thread_count=int(field[17]),
        start_ticks=int(field[19]),
        rss_pages=int(field[21]),
        core=int(field[36]),
        exiting=bool(int(field[6]) & _EXITING),
        read_s=(began_s + ended_s) / 2,
    )


def process(pid: int) -> Stat | None:
    """The ``stat`` file of a process; None if there is no such process."""
    return stat(f"/proc/{pid}/stat")


def number_after(text: bytes, label: bytes) -> int | None:
    """The integer that follows a label, as in ``VmHWM:     123 kB`` or ``nr_periods 12``."""
    start = text.find(label)
    if start < 0:
        return None
    word = text[start + len(label) : start + len(label) + 40].split(None, 1)
    return int(word[0]) if word and word[0].isdigit() else None


def ancestors(pid: int) -> Iterator[int]:
    """The parent of a process, its parent, and so on."""
    current = process(pid)
    while current is not None and current.parent_pid > 0:
        yield current.parent_pid
        current = process(current.parent_pid)
