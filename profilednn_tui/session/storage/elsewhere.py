"""Sessions that another machine writes into a shared file system: their processes cannot be looked for here."""

from __future__ import annotations

import os
import time
from pathlib import Path

from profilednn_tui.session.storage.files import regular_files
from profilednn_tui.session.storage.folder import SessionFile

SILENT_S = 60.0
"""A host appends a sample each second: one that has not for this long is gone. File servers may keep back as much."""
_BOOT = Path("/proc/sys/kernel/random/boot_id")


def this_boot() -> str:
    """Names this machine until it restarts; empty if the system has no such name."""
    try:
        return _BOOT.read_text().strip()
    except OSError:
        return ""


def is_elsewhere(started: SessionFile) -> bool:
    """Whether another machine records the session."""
    return bool(started.host) and started.host != os.uname().nodename and started.boot != this_boot()


def why_elsewhere(started: SessionFile) -> str:
    """Why nothing that the session names is run or opened here, in one sentence; empty if this machine records it."""
    return f"It was recorded on {started.host}, so it is only read here." if is_elsewhere(started) else ""


def was_written_lately(folder: Path) -> bool:
    """Whether a file there has just been changed, by the clock of the file server."""
    newest_ns = max((status.st_mtime_ns for _, status in regular_files(folder)), default=0)
    return newest_ns >= time.time_ns() - SILENT_S * 1e9


class Growth:
    """Looks again and again whether the files of a folder still grow."""

    def __init__(self) -> None:
        self._size_bytes = -1
        self._grew_s = 0.0

    def goes_on(self, folder: Path, now_s: float) -> bool:
        """Whether they have grown lately; at first, whether they were written lately."""
        size_bytes = sum(status.st_size for _, status in regular_files(folder))
        if self._size_bytes < 0:
            self._grew_s = now_s if was_written_lately(folder) else now_s - SILENT_S
        elif size_bytes != self._size_bytes:
            self._grew_s = now_s
        self._size_bytes = size_bytes
        return now_s - self._grew_s < SILENT_S
