"""Signals of the process that waits for a target: which are forwarded, and how its death is passed on to our parent."""

from __future__ import annotations

import os
import resource
import signal
import sys
from typing import NoReturn

from profilednn_tui.collect import procfs

FORWARDED = frozenset({signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT, signal.SIGUSR1, signal.SIGUSR2})
AWAITED = FORWARDED | {signal.SIGCHLD}

SI_KERNEL = 0x80
"""Origin of a signal sent by the terminal driver, for instance for Ctrl-C, to every process of the group."""

IGNORED_BY_PYTHON = (signal.SIGPIPE, signal.SIGXFSZ)
"""Python ignores these from its start, and a program that we start must not inherit that."""


def was_for_us_alone(info: signal.struct_siginfo, target_pid: int) -> bool:
    """Whether the target has not received the same signal itself.

    Signals from the terminal reach the whole process group, and the target's own processes signal that group as well.
    """
    if info.si_code == SI_KERNEL:
        return False
    return info.si_pid != target_pid and target_pid not in procfs.ancestors(info.si_pid)


def end_like(exit_code: int) -> NoReturn:
    """Exit as the target did: with its exit code, or killed by the same signal."""
    if exit_code >= 0:
        sys.exit(exit_code)
    # One core dump, the target's, is enough. A limit of 0 would not stop a handler that reads the core from a pipe; the
    # kernel takes a limit of 1 as a request for no dump.
    _, hard = resource.getrlimit(resource.RLIMIT_CORE)
    resource.setrlimit(resource.RLIMIT_CORE, (0 if hard == 0 else 1, hard))
    number = -exit_code
    if number not in (signal.SIGKILL, signal.SIGSTOP):
        signal.signal(number, signal.SIG_DFL)
    os.kill(os.getpid(), number)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {number})
    sys.exit(128 + number)  # a signal that does not kill by default cannot have killed the target either
