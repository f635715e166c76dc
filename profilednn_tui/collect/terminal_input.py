"""Whether a process waits for input from a terminal."""

from __future__ import annotations

import os
import platform

from profilednn_tui.collect import procfs

_READ = {"x86_64": {"0"}, "aarch64": {"63"}}
_SELECT = {"x86_64": {"23", "270"}, "aarch64": {"72"}}
"""Numbers of the system calls ``read``, and ``select`` or ``pselect6``: arch/x86/entry/syscalls/syscall_64.tbl and
include/uapi/asm-generic/unistd.h of Linux."""
_TERMINALS = ("/dev/pts/", "/dev/tty", "/dev/console")


def awaits_terminal(pid: int) -> bool:
    """Whether the main thread is blocked in a read from a terminal, or in a select on its stdin alone, as in `input`.

    Read from ``/proc/PID/syscall`` (see proc_pid_syscall(5)); False where the system does not show it.
    """
    number, *arguments = procfs.read(f"/proc/{pid}/syscall").decode().split() or ("",)
    machine = platform.machine()
    if number in _READ.get(machine, ()):
        return _is_terminal(pid, int(arguments[0], 16))
    if number in _SELECT.get(machine, ()):
        return int(arguments[0], 16) == 1 and _is_terminal(pid, 0)
    return False


def _is_terminal(pid: int, descriptor: int) -> bool:
    try:
        return os.readlink(f"/proc/{pid}/fd/{descriptor}").startswith(_TERMINALS)
    except OSError:
        return False
