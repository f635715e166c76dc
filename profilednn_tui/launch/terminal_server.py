"""Serves the terminal of a target: output to the log, input from viewers, and one sample per second."""

from __future__ import annotations

import os
import select
import signal
import time
from contextlib import suppress
from pathlib import Path

from profilednn_tui import units
from profilednn_tui.launch.pseudoterminal import SIZE_FILE, Job, TerminalSize, set_size
from profilednn_tui.paths import FILE_MODE
from profilednn_tui.protocol.events import NoticeEvent
from profilednn_tui.protocol.vocabulary import WARNING
from profilednn_tui.recording.ending import record_end
from profilednn_tui.recording.sampler import Sampler
from profilednn_tui.session.storage.files import read_file
from profilednn_tui.session.storage.folder import INPUT_FIFO, OUTPUT_FILE

READ_BYTES = 1 << 16
READS_AT_ONCE = 64
"""After this many it is time for a sample, however much the program prints."""
INPUT_BYTES = 1 << 10


class TerminalServer:
    """Serves one target on its terminal."""

    def __init__(self, folder: Path, job: Job, sampler: Sampler) -> None:
        self._folder = folder
        self._job = job
        self._sampler = sampler
        self._log = _open_log(folder)
        self._input = _open_input(folder)
        self._pending_input = b""
        self._lost_bytes = 0
        self._size: bytes = b""
        self._child_signal, wakeup = os.pipe()
        os.set_blocking(wakeup, False)
        signal.signal(signal.SIGCHLD, lambda number, frame: None)
        signal.set_wakeup_fd(wakeup)

    def run(self) -> int:
        """Serve the terminal until the target's first process has ended; returns its exit code."""
        while True:
            self._serve(self._sampler.wait_s())
            ended, status, usage = os.wait4(self._job.pid, os.WNOHANG)
            if ended:
                self._copy_output()
                return record_end(self._folder, self._sampler, status, usage)
            self._sampler.sample_if_due()
            self._follow_size()

    def drain(self) -> None:
        """Serve processes that the target has left behind, until none has the terminal open."""
        os.close(self._job.slave)
        while self._serve(None):
            pass
        with suppress(OSError):
            os.unlink(self._folder / INPUT_FIFO)

    def _serve(self, timeout_s: float | None) -> bool:
        """Wait for an event and handle it; returns whether the terminal is still in use."""
        master = self._job.master
        reading = [master, self._child_signal, *([] if self._pending_input else [self._input])]
        readable, _, _ = select.select(reading, [master] if self._pending_input else [], [], timeout_s)
        if self._child_signal in readable:
            os.read(self._child_signal, READ_BYTES)
        if self._input in readable:
            with suppress(BlockingIOError):
                self._pending_input = os.read(self._input, INPUT_BYTES)
        if self._pending_input:
            # A program that does not read its input must not stop us from reading its output.
            with suppress(OSError):
                self._pending_input = self._pending_input[os.write(self._job.master, self._pending_input) :]
        return self._copy_output() if master in readable else True

    def _copy_output(self) -> bool:
        for _ in range(READS_AT_ONCE):
            try:
                data = os.read(self._job.master, READ_BYTES)
            except BlockingIOError:
                break
            except OSError:
                return False  # no process has the other end open
            self._keep(data)
        return True

    def _keep(self, data: bytes) -> None:
        """Write to the log; what a full disk rejects is lost, because the program must not be held up."""
        try:
            lost = len(data) - os.write(self._log, data)
        except OSError:
            lost = len(data)
        if lost:
            self._lost_bytes += lost
            text = f"{units.bytes_size(self._lost_bytes)} of the target's output was lost: the disk is full."
            self._sampler.tell(NoticeEvent(WARNING, "output-disk", f"{text} Free some space.", time.time_ns()))

    def _follow_size(self) -> None:
        try:
            wanted = read_file(self._folder / SIZE_FILE, INPUT_BYTES)
        except OSError:
            return
        if wanted != self._size:
            self._size = wanted
            with suppress(ValueError, OSError):
                rows, columns = map(int, wanted.split())
                set_size(self._job.master, TerminalSize(rows, columns))


def _open_log(folder: Path) -> int:
    return os.open(folder / OUTPUT_FILE, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, FILE_MODE)


def _open_input(folder: Path) -> int:
    """The FIFO that viewers write to; held open for writing too, so that it never reaches its end."""
    path = folder / INPUT_FIFO
    os.mkfifo(path, FILE_MODE)
    return os.open(path, os.O_RDWR | os.O_NONBLOCK | os.O_CLOEXEC)
