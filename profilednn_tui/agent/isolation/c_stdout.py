"""What C code prints through stdio, caught in memory for a while.

glibc's ``printf`` writes to the stream that its variable ``stdout`` points to. Pointing it to a stream in memory
catches oneDNN's lines without touching the descriptor: what Python and other processes print goes on to where it always
went. No descriptor is held, no callback runs, and nothing blocks. C code of the program that prints meanwhile is caught
as well and would be late, so the stream of a program that has ever printed this way is left alone.
"""

from __future__ import annotations

import ctypes
import platform
from typing import Any

_MAGIC, _MAGIC_MASK, _CURRENTLY_PUTTING = 0xFBAD0000, 0xFFFF0000, 0x0800
"""From glibc's frozen layout: a stream starts with its flags, the last of which is set by the first write."""


class CStdout:
    """libc's ``stdout``, and the stream in memory that takes its place; a `RuntimeError` where that cannot be."""

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
        # Kept for the life of the process: another thread may be about to write to it at any time.
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
        """Whether what C code prints goes to memory now."""
        return self._own is not None

    def catch(self) -> bool:
        """Catch what C code prints from now on; false when somebody is printing at this moment."""
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
        """Let C code print to where it did before; returns what was caught."""
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
        """Print through stdio, as the C code that was caught would have."""
        if text:
            self._libc.fwrite(text, 1, len(text), self._own or self._variable.value)

    def forget(self) -> None:
        """In a forked child: what was caught belongs to the parent."""
        self.release()
