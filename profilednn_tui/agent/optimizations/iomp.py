"""Intel's OpenMP runtime in place of GNU's."""

from __future__ import annotations

from typing import Any

from . import LaunchChanges, Missing, Optimization

LIBRARY = "libiomp5"


class IntelOpenMP(Optimization):
    name = "iomp"
    description = "Intel's OpenMP runtime, preloaded in place of GNU's"
    at_launch = True

    def __init__(self, context: Any) -> None:
        super().__init__(context)
        self._file = ""

    def missing(self) -> Missing | None:
        if self.context.find_library(LIBRARY) is None:
            return Missing("Intel's OpenMP runtime (libiomp5.so) is not installed", "pip install intel-openmp")
        return None

    def prepare_launch(self) -> LaunchChanges:
        library = self.context.find_library(LIBRARY)
        return LaunchChanges({"KMP_BLOCKTIME": "1"}, preload=library or "")

    def begin_torch(self) -> None:
        with open("/proc/self/maps") as stream:
            files = [line.split()[-1] for line in stream if f"/{LIBRARY}.so" in line]
        self._file = files[0] if files else ""

    def receipt(self, steps: int) -> str:
        return f"OpenMP of {self._file}" if self._file else ""

    def no_effect(self) -> str:
        return "the process did not load it"
