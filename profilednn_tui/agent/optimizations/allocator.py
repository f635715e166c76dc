"""A memory allocator that keeps the memory freed by a step, so that the next step need not fault it in again."""

from __future__ import annotations

import resource
from typing import Any

from . import LaunchChanges, Optimization

GLIBC = {
    "MALLOC_MMAP_MAX_": "0",  # large tensors come from the heap ...
    "MALLOC_TRIM_THRESHOLD_": "1000000000000",  # ... which is not given back ...
    "MALLOC_TOP_PAD_": "268435456",  # ... and grows by 256 MB at a time
}
JEMALLOC = {
    "MALLOC_CONF": "oversize_threshold:1,background_thread:true,metadata_thp:auto,dirty_decay_ms:-1,muzzy_decay_ms:-1"
}
TCMALLOC = {"TCMALLOC_AGGRESSIVE_DECOMMIT": "0", "TCMALLOC_RELEASE_RATE": "0"}
LIBRARIES = (
    ("libjemalloc", JEMALLOC),
    ("libtcmalloc", TCMALLOC),
    ("libtcmalloc_minimal", TCMALLOC),
)
"""In order of preference; glibc's own allocator comes last."""


class RetainingAllocator(Optimization):
    name = "allocator"
    description = "keeps memory freed by a step for the next: jemalloc or tcmalloc if present, otherwise tuned glibc"
    at_launch = True

    def __init__(self, context: Any) -> None:
        super().__init__(context)
        self._active = ""
        self._faults = 0
        self._counting = False

    def prepare_launch(self) -> LaunchChanges:
        for stem, settings in LIBRARIES:
            library = self.context.find_library(stem)
            if library is not None:
                return LaunchChanges(dict(settings), preload=library)
        return LaunchChanges(dict(GLIBC))

    def begin_torch(self) -> None:
        with open("/proc/self/maps") as stream:
            mapped = stream.read()
        for stem, _ in LIBRARIES:
            if f"/{stem}.so" in mapped:
                self._active = stem[len("lib") :]
        kept = [f"{name}={value}" for name, value in GLIBC.items() if self.context.environment.get(name) == value]
        if not self._active and len(kept) == len(GLIBC):
            self._active = f"glibc with {' '.join(kept)}"

    def begin_optimizer(self, optimizer: Any) -> None:
        # Counted from the first update on: before, memory that all steps need is touched for the first time.
        self._faults, self._counting = _faults(), True

    def receipt(self, steps: int) -> str:
        if not self._active:
            return ""
        faults = f"; {(_faults() - self._faults) / (steps - 1):,.0f} page faults per step" if steps > 1 else ""
        return f"{self._active}{faults if self._counting else ''}"

    def no_effect(self) -> str:
        return "its variables did not reach the process, or were already set to other values"


def _faults() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt
