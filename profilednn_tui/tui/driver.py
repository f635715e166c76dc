"""Textual's driver, for a terminal that may vanish and a process that may be stopped without notice."""

from __future__ import annotations

import select
from contextlib import suppress
from typing import Any, TextIO

from textual.drivers.linux_driver import LinuxDriver


class _Output:
    """Writes to a terminal as long as it exists: an error would end textual's writer thread, and then block us."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def fileno(self) -> int:
        return self._stream.fileno()

    def write(self, text: str) -> None:
        with suppress(OSError):
            self._stream.write(text)

    def flush(self) -> None:
        with suppress(OSError):
            self._stream.flush()


class TerminalDriver(LinuxDriver):
    """Detects when its terminal is gone, and reads it with one thread at a time."""

    def __init__(self, *arguments: Any, **keywords: Any) -> None:
        super().__init__(*arguments, **keywords)
        self._file: Any = _Output(self._file)

    @property
    def hung_up(self) -> bool:
        """Whether the terminal is gone. If SIGHUP is ignored, as under nohup, there is no other sign of it."""
        if not self.input_tty:
            return False
        terminal = select.poll()
        terminal.register(self.fileno, 0)
        return any(mask & (select.POLLHUP | select.POLLERR | select.POLLNVAL) for _, mask in terminal.poll(0))

    def _sigcont_application(self, *_: Any) -> None:
        """Resume after SIGSTOP, or a hang-up, which also sends SIGCONT: the old reader thread is still running."""
        if self._auto_restart and not self._must_signal_resume:
            self.suspend_application_mode()
            self._must_signal_resume = True
        super()._sigcont_application(*_)
