"""Whether a process named in a recording is still running."""

from __future__ import annotations

import psutil

_PIDS = 2**22 + 1
"""One more than the largest pid on Linux; files may name any number."""
_SLACK_S = 10.0
"""Start times are only known to a clock tick, and the system clock is sometimes adjusted."""


def is_alive(pid: int, known_since_unix_ns: int) -> bool:
    """Whether `pid` is still the process that ran at that time, not a later one with the same pid."""
    if not 0 < pid < _PIDS:
        return False
    try:
        process = psutil.Process(pid)
        if process.status() in (psutil.STATUS_ZOMBIE, psutil.STATUS_DEAD):
            return False
        return process.create_time() <= known_since_unix_ns / 1e9 + _SLACK_S
    except psutil.NoSuchProcess:
        return False
    except psutil.AccessDenied:
        return True
