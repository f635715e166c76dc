"""What names a process in a session: its pid; beyond the first machine, together with the number of the machine."""

from __future__ import annotations

ALL_RANKS = -1
"""Stands for all ranks together, where a process is chosen."""
_PIDS = 10**10
"""More than the name of a recording can hold."""


def process_key(machine: int, pid: int) -> int:
    """The key of a process; `machine` counts from 0, and `pid` is 0 for the host itself."""
    return machine * _PIDS + pid


def machine_of(key: int) -> int:
    """The number of the machine."""
    return key // _PIDS


def pid_of(key: int) -> int:
    """The pid on that machine; 0 for the host itself."""
    return key % _PIDS
