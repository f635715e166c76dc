"""A terminal for the TUI under test: its own pty, drained continuously."""

from __future__ import annotations

import fcntl
import os
import pty
import select
import struct
import termios
import time
from collections.abc import Callable, Sequence
from pathlib import Path


class Terminal:
    """A process under a pty, of 120 x 40 unless told otherwise."""

    def __init__(self, command: Sequence[str], environment: dict[str, str], columns: int = 120, rows: int = 40) -> None:
        self.start_s = time.monotonic()
        self.pid, self._descriptor = pty.fork()
        if self.pid == 0:
            os.execvpe(command[0], list(command), {**environment, "TERM": "xterm-256color"})
        fcntl.ioctl(self._descriptor, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    def read(self, timeout_s: float, *others: int) -> bytes:
        """Return output as soon as there is some; empty at the timeout, or if only other descriptors are ready.

        Empty at the end of the process, too.
        """
        ready, _, _ = select.select([self._descriptor, *others], [], [], timeout_s)
        if self._descriptor not in ready:
            return b""
        try:
            return os.read(self._descriptor, 65536)
        except OSError:
            return b""

    def drain_until(self, done: Callable[[], bool], limit_s: float, *others: int) -> None:
        """Discard output until `done` is true; other descriptors may become ready when it is."""
        end_s = time.monotonic() + limit_s
        while not done():
            if time.monotonic() > end_s:
                raise TimeoutError("the terminal program did not reach the expected state")
            self.read(0.2, *others)

    def drain_for(self, duration_s: float) -> None:
        """Discard output for some time."""
        end_s = time.monotonic() + duration_s
        while time.monotonic() < end_s:
            self.read(0.1)

    def press(self, keys: str) -> None:
        """Type some keys."""
        os.write(self._descriptor, keys.encode())

    def cpu_s(self) -> float:
        """CPU time of the process so far."""
        fields = Path(f"/proc/{self.pid}/stat").read_text().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def rss_bytes(self) -> int:
        """Resident memory of the process."""
        return int(Path(f"/proc/{self.pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")

    def close(self) -> int:
        """Wait for the process to end; returns its exit code."""
        end_s = time.monotonic() + 20
        while time.monotonic() < end_s:
            done, status = os.waitpid(self.pid, os.WNOHANG)
            if done:
                os.close(self._descriptor)
                return os.waitstatus_to_exitcode(status)
            self.read(0.1)
        raise TimeoutError("the terminal program does not end")
