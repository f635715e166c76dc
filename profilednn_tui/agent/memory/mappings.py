"""What the memory of this process is mapped for, from the kernel's list of its mappings."""

from __future__ import annotations

import ctypes
import mmap
import re
import struct
from functools import lru_cache
from typing import Callable, NamedTuple

SMAPS = "/proc/self/smaps"
_MAPPING = re.compile(
    rb"^([0-9a-f]+)-([0-9a-f]+) (\S{4}) \S+ \S+ \d+ *([^\n]*)\n(?:[^\n]*\n)*?Rss: +(\d+) kB\nPss: +(\d+) kB$",
    re.MULTILINE,
)
_ARENA = 64 << 20
"""glibc places each of its further heaps at a multiple of this size and reserves as much for it."""
_LOADED = 1
"""``PT_LOAD``."""
_SMALL = 256 * 1024
"""Memory without a name right behind a library's is taken for the library's own up to this size."""
_SHARED = (b"/dev/shm/", b"/dev/zero", b"/SYSV", b"/memfd:", b"/torch_")
_CODE = b"/memfd:xbyak"
"""The name under which the generator of oneDNN's code maps it in some versions."""


class Mapped(NamedTuple):
    """Resident memory by kind, in bytes."""

    pss: int
    """All memory, of pages that processes share the due share."""
    anonymous_pss: int
    """The same for memory that no file backs."""
    files: int
    """Of programs, libraries and mapped data, with what was changed in it: the due share; with the memory that
    libraries have zeroed at their ends."""
    shared: int
    """Shared memory, such as batches from workers: the due share."""
    code: int
    """Generated at run time."""
    stack: int
    """Of the main thread."""
    heaps: int
    """In which glibc's malloc places all but large blocks."""
    others: int
    """Without a file: large blocks, the interpreter's arenas, stacks of threads, other allocators' heaps."""
    spans: tuple[tuple[int, int, str], ...] = ()
    """Begin, end and kind of the mappings of files and shared memory, in order."""

    @property
    def anonymous(self) -> int:
        """Memory that no file backs, as a whole."""
        return self.code + self.stack + self.heaps + self.others


def read_mappings() -> Mapped:
    """The mappings of this process; raises OSError where the kernel does not tell."""
    with open(SMAPS, "rb") as stream:
        return mapped(stream.read(), zeroed_bytes)


def mapped(smaps: bytes, zeroed: Callable[[bytes], int] = lambda file: 0) -> Mapped:
    """Sums of a list of mappings; raises ValueError if it has none.

    `zeroed` tells how much memory a library has zeroed behind what is mapped from its file; the kernel lists it without
    a name, and may join it with what happens to be next to it.
    """
    mappings = [
        (int(begin, 16), int(end, 16), access, name, int(rss) * 1024, int(pss) * 1024)
        for begin, end, access, name, rss, pss in _MAPPING.findall(smaps)
    ]
    if not mappings:
        raise ValueError("the kernel lists no mappings")
    sums = dict.fromkeys(("files", "shared", "code", "stack", "heaps", "others"), 0)
    anonymous_pss = 0
    for place, (begin, end, access, name, rss, pss) in enumerate(mappings):
        kind = _kind(access, name)
        if kind == "others" and begin % _ARENA == 0 and end - begin <= _ARENA:
            following = mappings[place + 1] if place + 1 < len(mappings) else None
            reserved = following is not None and following[0] == end and following[2].startswith(b"---")
            if end - begin == _ARENA or (reserved and following is not None and following[1] % _ARENA == 0):
                kind = "heaps"
        if kind == "others" and rss and place:
            before = mappings[place - 1]
            if before[1] == begin and "w" in before[2].decode() and _kind(before[2], before[3]) == "files":
                ours = rss if rss <= _SMALL else min(rss, zeroed(before[3]))
                sums["files"] += ours * pss // rss
                anonymous_pss -= ours * pss // rss
                sums["others"] -= ours
        by_share = kind in ("files", "shared")
        sums[kind] += pss if by_share else rss
        anonymous_pss += 0 if by_share else pss
    spans = tuple(
        (begin, end, kind)
        for begin, end, access, name, _, _ in mappings
        if (kind := _kind(access, name)) in ("files", "shared")
    )
    return Mapped(sum(one[5] for one in mappings), anonymous_pss, **sums, spans=spans)


def resident_bytes(address: int, size: int) -> int:
    """How much of some memory of this process is resident, by mincore(2); all of it where the kernel does not tell."""
    page = mmap.PAGESIZE
    begin = address // page * page
    pages = (address + size - begin + page - 1) // page
    flags = ctypes.create_string_buffer(pages)
    try:
        failed = ctypes.PyDLL(None).mincore(ctypes.c_void_p(begin), ctypes.c_size_t(pages * page), flags)
    except (OSError, AttributeError):
        return size
    return size if failed else min(size, flags.raw.count(b"\x01") * page)


@lru_cache(maxsize=1024)
def zeroed_bytes(file: bytes) -> int:
    """What a library zeroes behind its last loaded segment (``.bss``); 0 if its file does not tell.

    See elf(5) for the layout of the headers.
    """
    try:
        with open(file, "rb") as stream:
            head = stream.read(4096)
        if head[:5] != b"\x7fELF\x02":  # 64 bits
            return 0
        (table,) = struct.unpack_from("<Q", head, 32)
        size, count = struct.unpack_from("<HH", head, 54)
        segments = [struct.unpack_from("<II6Q", head, table + size * place) for place in range(count)]
    except (OSError, struct.error):
        return 0
    return max((memory - stored for kind, _, _, _, _, stored, memory, _ in segments if kind == _LOADED), default=0)


def _kind(access: bytes, name: bytes) -> str:
    if name.startswith(_CODE):
        return "code"
    if name.startswith(b"/"):
        return "shared" if name.startswith(_SHARED) else "files"
    if name == b"[heap]":
        return "heaps"
    if name.startswith((b"[stack", b"[v")):
        return "stack"
    return "code" if b"x" in access else "others"
