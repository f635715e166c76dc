"""Keeps one of Kineto's messages off the target's stderr.

Kineto expects to be loaded by the thread that imported torch. Otherwise it complains with ``fprintf(stderr)``, which no
setting silences, and training in another thread leaves no choice. So during the load, the C library's ``stderr`` is an
in-memory stream, and anything else written to it is passed on. Python's stderr and C++ streams do not go through it.
"""

from __future__ import annotations

import ctypes
from typing import Any

KINETOS_LINE = b"ERROR: External init callback must run in same thread as registerClient"


class StderrFilter:
    """A context in which C's stderr is captured and filtered; no effect if the C library is not glibc."""

    def __init__(self) -> None:
        self._library: Any = ctypes.CDLL(None)
        self._active = hasattr(self._library, "gnu_get_libc_version")
        self._text = ctypes.c_char_p()
        self._size = ctypes.c_size_t()

    def __enter__(self) -> None:
        if not self._active:
            return
        library = self._library
        library.open_memstream.restype = ctypes.c_void_p
        self._pointer = ctypes.c_void_p.in_dll(library, "stderr")
        self._stderr = self._pointer.value
        self._stream = library.open_memstream(ctypes.byref(self._text), ctypes.byref(self._size))
        if self._stream:
            self._pointer.value = self._stream

    def __exit__(self, *exception: object) -> None:
        if not self._active or not self._stream:
            return
        library = self._library
        self._pointer.value = self._stderr
        library.fflush(ctypes.c_void_p(self._stream))
        # Never closed: another thread may still be writing to it.
        text = ctypes.string_at(self._text, self._size.value) if self._size.value else b""
        rest = b"".join(line for line in text.splitlines(keepends=True) if not line.startswith(KINETOS_LINE))
        if rest:
            library.fwrite.argtypes = (ctypes.c_char_p, ctypes.c_size_t, ctypes.c_size_t, ctypes.c_void_p)
            library.fwrite(rest, 1, len(rest), self._stderr)
