"""Whether a process that a recording names still runs."""

from __future__ import annotations

import psutil

_PIDS = 2**22 + 1
"""The largest number that Linux gives, and one more; files may name any."""
_SLACK_S = 10.0
"""Start times are known to a clock tick, and the system's clock is corrected now and then."""


def is_alive(pid: int, known_since_unix_ns: int) -> bool:
    """Whether `pid` is still the process that ran at that time, not a later one that was given its number."""
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
