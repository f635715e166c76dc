"""What the C library's allocator, or the one preloaded instead of it, says of itself."""

from __future__ import annotations

import ctypes
from typing import NamedTuple

GLIBC, JEMALLOC, TCMALLOC = "glibc", "jemalloc", "tcmalloc"


class Heap(NamedTuple):
    """Memory that was asked of malloc, in bytes."""

    allocator: str
    in_use: int
    """Allocated and not freed."""
    in_heaps: int
    """The part of `in_use` that is in heaps; glibc gives large blocks mappings of their own."""
    resident: int | None
    """All that the allocator keeps in memory; None for glibc, whose heaps the kernel's mappings show."""


class _MallInfo2(ctypes.Structure):
    _fields_ = [
        (name, ctypes.c_size_t)
        for name in (
            "arena", "ordblks", "smblks", "hblks", "hblkhd", "usmblks", "fsmblks", "uordblks", "fordblks", "keepcost",
        )
    ]  # fmt: skip


def read_heap() -> Heap | None:
    """The allocator's figures; None if it tells none: other C libraries, and glibc before 2.33."""
    try:
        program = ctypes.PyDLL(None)  # keeps the interpreter lock: the calls are short
    except OSError:
        return None
    for read in (_jemalloc, _tcmalloc, _glibc):
        try:
            heap = read(program)
        except AttributeError:  # it is another allocator
            continue
        if heap is not None:
            return heap
    return None


def _jemalloc(program: ctypes.PyDLL) -> Heap | None:
    control = program.mallctl
    epoch = ctypes.c_uint64(1)
    size = ctypes.c_size_t(ctypes.sizeof(epoch))
    if control(b"epoch", ctypes.byref(epoch), ctypes.byref(size), ctypes.byref(epoch), size):
        return None
    figures = []
    for name in (b"stats.allocated", b"stats.resident"):
        figure = ctypes.c_size_t()
        size = ctypes.c_size_t(ctypes.sizeof(figure))
        if control(name, ctypes.byref(figure), ctypes.byref(size), None, ctypes.c_size_t(0)):
            return None  # built without statistics
        figures.append(figure.value)
    allocated, resident = figures
    return Heap(JEMALLOC, allocated, allocated, resident)


def _tcmalloc(program: ctypes.PyDLL) -> Heap | None:
    read = program.MallocExtension_GetNumericProperty
    figures = []
    for name in (b"generic.current_allocated_bytes", b"generic.heap_size", b"tcmalloc.pageheap_unmapped_bytes"):
        figure = ctypes.c_size_t()
        if not read(name, ctypes.byref(figure)):
            return None
        figures.append(figure.value)
    allocated, size, unmapped = figures
    return Heap(TCMALLOC, allocated, allocated, size - unmapped)


def _glibc(program: ctypes.PyDLL) -> Heap:
    read = program.mallinfo2
    read.restype = _MallInfo2
    figures = read()
    return Heap(GLIBC, figures.uordblks + figures.hblkhd, figures.uordblks, None)
