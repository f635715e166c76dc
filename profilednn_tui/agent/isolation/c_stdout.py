"""Temporarily captures in memory what C code prints through stdio.

glibc's ``printf`` writes to the stream that its variable ``stdout`` points to. Pointing it to an in-memory stream
captures oneDNN's lines without touching the descriptor, so the output of Python and other processes is unaffected. No
descriptor is held, no callback runs, and nothing blocks. Output of the program's own C code would be captured as well,
and delayed, so ``stdout`` is left alone if the program has ever printed this way.
"""

from __future__ import annotations

import ctypes
import platform
from typing import Any

_MAGIC, _MAGIC_MASK, _CURRENTLY_PUTTING = 0xFBAD0000, 0xFFFF0000, 0x0800
"""From glibc's frozen ABI: a stream starts with its flags; the first write sets ``_IO_CURRENTLY_PUTTING``."""


class CStdout:
    """libc's ``stdout`` and the in-memory stream that replaces it; raises `RuntimeError` if that is not possible."""

    def __init__(self) -> None:
        if platform.libc_ver()[0] != "glibc":
            raise RuntimeError("the C library is not glibc")
        libc = ctypes.CDLL(None)
        try:
            self._variable = ctypes.c_void_p.in_dll(libc, "stdout")
            for name in ("open_memstream", "fflush", "fseek", "fwrite", "ftrylockfile", "flockfile", "funlockfile"):
                getattr(libc, name)
        except (AttributeError, ValueError) as error:
            raise RuntimeError(f"the C library lacks {error}") from error
        libc.open_memstream.restype = ctypes.c_void_p
        libc.fseek.argtypes = (ctypes.c_void_p, ctypes.c_long, ctypes.c_int)
        libc.fwrite.argtypes = (ctypes.c_char_p, ctypes.c_size_t, ctypes.c_size_t, ctypes.c_void_p)
        libc.fwrite.restype = ctypes.c_size_t
        for lock in (libc.fflush, libc.ftrylockfile, libc.flockfile, libc.funlockfile):
            lock.argtypes = (ctypes.c_void_p,)
        self._libc: Any = libc
        self._text = ctypes.c_void_p()
        self._size = ctypes.c_size_t()
        # Kept for the lifetime of the process: another thread may be about to write to it at any time.
        self._memory: int | None = libc.open_memstream(ctypes.byref(self._text), ctypes.byref(self._size))
        if not self._memory:
            raise RuntimeError("the C library has no memory for a stream")
        self._own: int | None = None

    @property
    def used(self) -> bool:
        """Whether any C code has printed through the program's own stream."""
        own = self._own or self._variable.value
        flags = ctypes.c_uint.from_address(own).value if own else 0
        return flags & _MAGIC_MASK != _MAGIC or bool(flags & _CURRENTLY_PUTTING)

    @property
    def caught(self) -> bool:
        """Whether output of C code currently goes to memory."""
        return self._own is not None

    def catch(self) -> bool:
        """Start capturing; returns False if a thread is printing right now."""
        own = self._variable.value
        if self._own is not None or not own or self._libc.ftrylockfile(own):
            return False
        try:
            self._own = own
            self._variable.value = self._memory
        finally:
            self._libc.funlockfile(own)
        return True

    def release(self) -> bytes:
        """Stop capturing and return the captured text."""
        if self._own is None:
            return b""
        own, self._own = self._own, None
        if self._variable.value == self._memory:
            self._variable.value = own
        self._libc.flockfile(self._memory)
        try:
            self._libc.fflush(self._memory)
            text = ctypes.string_at(self._text.value, self._size.value) if self._text.value else b""
            self._libc.fseek(self._memory, 0, 0)
            self._libc.fflush(self._memory)
        finally:
            self._libc.funlockfile(self._memory)
        return text

    def write(self, text: bytes) -> None:
        """Print through stdio, as the captured C code would have."""
        if text:
            self._libc.fwrite(text, 1, len(text), self._own or self._variable.value)

    def forget(self) -> None:
        """In a forked child: stop capturing and discard the text, which belongs to the parent."""
        self.release()
