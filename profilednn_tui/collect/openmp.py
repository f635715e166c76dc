"""The OpenMP runtimes that a process has loaded, from its memory map."""

from __future__ import annotations

import re
from collections.abc import Iterable

from profilednn_tui.collect.sample import Sample
from profilednn_tui.protocol.events import OpenMPEvent

INTERVAL_S = 15.0
"""Between two looks at the same process: a package that brings a runtime may be imported late."""
MOST = 16

_RUNTIME = re.compile(r"lib(?:gomp|iomp5|omp)(?:-[0-9a-f]+)?\.so[0-9.]*")
"""Of GCC, Intel and LLVM; wheels add a checksum to the name of their copy: ``libgomp-a34b3233.so.1``."""
_TORCH = "/torch/"


def runtimes(maps: Iterable[str]) -> list[str]:
    """The paths of the runtimes in the lines of ``/proc/PID/maps``, torch's own copy first."""
    found: dict[str, None] = {}
    for line in maps:
        fields = line.split(None, 5)
        path = fields[5].rstrip("\n").removesuffix(" (deleted)") if len(fields) > 5 else ""
        if _RUNTIME.fullmatch(path.rpartition("/")[2]):
            found[path] = None
    return sorted(found, key=lambda path: _TORCH not in path)[:MOST]


class RuntimeReader:
    """Looks now and then, as reading the map of a large process takes about a millisecond."""

    def __init__(self) -> None:
        self._pid: int | None = None
        self._due_s = 0.0
        self._known: list[str] | None = None

    def look(self, now: Sample) -> OpenMPEvent | None:
        """The runtimes of the training process, if it is time to look and they are not those last told."""
        pid = now.main_pid
        if pid is None or pid not in now.agents or (pid == self._pid and now.monotonic_s < self._due_s):
            return None
        if pid != self._pid:
            self._pid, self._known = pid, None
        self._due_s = now.monotonic_s + INTERVAL_S
        try:
            with open(f"/proc/{pid}/maps", encoding="utf-8", errors="replace") as lines:
                found = runtimes(lines)
        except OSError:
            return None
        if found == self._known:
            return None
        self._known = found
        return OpenMPEvent(now.unix_ns, pid, found)
