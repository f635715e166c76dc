"""Keeps a warning from torch's C++ code off the target's stderr.

If another Python thread makes a call just as a window ends, torch's tracer records an event that begins after its end.
It warns about that (in collection.cpp, once in a few thousand windows) where no filter of Python's `warnings` applies.
So while a window closes, c10 prints errors only. Warnings that torch passes to Python do not go through c10.
"""

from __future__ import annotations

import ctypes
import os
from typing import Any

ERROR = 2
_NAMES = ("FLAGS_caffe2_log_level", "_ZN3c1022FLAGS_caffe2_log_levelE")


class ErrorsOnly:
    """A context in which c10 prints no warnings; no effect if torch's library lacks the setting."""

    def __init__(self, torch: Any) -> None:
        self._level = _level(torch)
        self._before = ERROR

    @property
    def works(self) -> bool:
        """Whether torch's library has the setting."""
        return self._level is not None

    def __enter__(self) -> None:
        if self._level is not None:
            self._before = self._level.value
            self._level.value = max(self._before, ERROR)

    def __exit__(self, *exception: object) -> None:
        if self._level is not None:
            self._level.value = self._before


def _level(torch: Any) -> Any:
    path = os.path.join(os.path.dirname(torch.__file__), "lib", "libc10.so")
    try:
        library = ctypes.CDLL(path, mode=os.RTLD_NOLOAD | os.RTLD_LAZY)
    except OSError:
        return None
    for name in _NAMES:
        try:
            return ctypes.c_int.in_dll(library, name)
        except ValueError:
            continue
    return None
