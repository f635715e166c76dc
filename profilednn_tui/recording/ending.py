"""What the process that waits for a target records: its own identity, and how the target ended."""

from __future__ import annotations

import os
import resource
import time
from contextlib import suppress
from pathlib import Path

from profilednn_tui.paths import FILE_MODE
from profilednn_tui.protocol.events import ExitEvent
from profilednn_tui.recording.sampler import RESERVE_BYTES, RESERVE_FILE, Sampler
from profilednn_tui.session.storage.folder import ExitFile, HolderFile


def save_holder(folder: Path, pid: int) -> None:
    """Record which process waits for the target; if a full disk prevents it, only the time of the end is uncertain."""
    with suppress(OSError):
        HolderFile(os.getpid(), pid, time.time_ns()).save(folder)
    with suppress(OSError):
        handle = os.open(folder / RESERVE_FILE, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, FILE_MODE)
        try:
            os.posix_fallocate(handle, 0, RESERVE_BYTES)
        finally:
            os.close(handle)


def release_reserve(folder: Path) -> None:
    """Free the disk space reserved for the final records."""
    with suppress(OSError):
        (folder / RESERVE_FILE).unlink()


def record_end(folder: Path, sampler: Sampler, status: int, usage: resource.struct_rusage) -> int:
    """Record how the target ended; returns its exit code, negative for a signal."""
    ended = ExitEvent(
        exit_code=os.waitstatus_to_exitcode(status),
        unix_ns=time.time_ns(),
        user_s=usage.ru_utime,
        system_s=usage.ru_stime,
        max_rss_bytes=usage.ru_maxrss * 1024,
    )
    release_reserve(folder)
    with suppress(OSError):  # on a full disk, readers notice that the process is gone
        ExitFile(ended.exit_code, ended.unix_ns, ended.user_s, ended.system_s, ended.max_rss_bytes).save(folder)
    sampler.finish(ended)
    return ended.exit_code
