"""A target on a terminal of its own, started the way a shell starts a foreground job."""

from __future__ import annotations

import fcntl
import os
import pty
import signal
import struct
import termios
from collections.abc import Mapping
from dataclasses import dataclass

SIZE_FILE = "terminal-size"
"""A file in the session folder with ``ROWS COLUMNS``: written by a viewer, read by the holder once per second."""

IGNORED = (
    signal.SIGHUP,
    signal.SIGINT,
    signal.SIGQUIT,
    signal.SIGTERM,
    signal.SIGTSTP,
    signal.SIGTTIN,
    signal.SIGTTOU,
    signal.SIGPIPE,
    signal.SIGXFSZ,
)
"""Ignored by the holder, which must not end before its target; the target gets their default actions back."""


@dataclass(frozen=True, slots=True)
class TerminalSize:
    """In characters."""

    rows: int
    columns: int


@dataclass(frozen=True, slots=True)
class Job:
    """A started target."""

    pid: int
    master: int
    """Our end of the terminal; never blocks."""
    slave: int
    """The target's end: held open, because a target that closes all its files would otherwise close the terminal."""


def start_job(argv: list[str], environment: Mapping[str, str], working_directory: str, size: TerminalSize) -> Job:
    """Start the target as the foreground job of a new terminal; raises `OSError` if it cannot be executed.

    We are the session leader, like a shell: processes that the target leaves behind survive its end.
    """
    for number in IGNORED:
        signal.signal(number, signal.SIG_IGN)
    master, slave = pty.openpty()
    set_size(master, size)
    os.set_blocking(master, False)
    fcntl.ioctl(slave, termios.TIOCSCTTY, 0)
    failure_read, failure_write = os.pipe()
    pid = os.fork()
    if pid == 0:
        try:
            _become_foreground(slave)
            os.chdir(working_directory)
            os.execvpe(argv[0], argv, environment)
        except OSError as error:
            os.write(failure_write, str(error.errno).encode())
        finally:
            os._exit(127)
    os.close(failure_write)
    with open(failure_read, "rb") as stream:  # ends when exec closes the other end
        failure = stream.read()
    if failure:
        os.waitpid(pid, 0)
        raise OSError(int(failure), os.strerror(int(failure)))
    return Job(pid, master, slave)


def set_size(terminal: int, size: TerminalSize) -> None:
    """Change the size; the foreground job gets SIGWINCH."""
    fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", size.rows, size.columns, 0, 0))


def _become_foreground(slave: int) -> None:
    os.setpgid(0, 0)
    os.tcsetpgrp(slave, os.getpgrp())
    for number in IGNORED:
        signal.signal(number, signal.SIG_DFL)
    for stream in (0, 1, 2):
        os.dup2(slave, stream)
