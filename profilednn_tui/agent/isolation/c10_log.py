"""Keeping a warning of torch's C++ code off the target's stderr.

When another Python thread makes a call just as a window ends, torch's tracer has an event that begins after its end.
It says so (in collection.cpp, of one in some thousand windows) where no filter of Python's `warnings` reaches. So for
the moment of the end c10 prints nothing below an error. Warnings that torch hands to Python are no matter of c10's.
"""

from __future__ import annotations

import ctypes
import os
from typing import Any

ERROR = 2
_NAMES = ("FLAGS_caffe2_log_level", "_ZN3c1022FLAGS_caffe2_log_levelE")


class ErrorsOnly:
    """A context in which c10 prints no warnings; without effect where torch's library has no such setting."""

    def __init__(self, torch: Any) -> None:
        self._level = _level(torch)
        self._before = ERROR

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
