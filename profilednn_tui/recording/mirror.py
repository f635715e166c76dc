"""Keeps a copy of a session up to date: a command such as ssh writes its stream, and a thread copies that."""

from __future__ import annotations

import os
import shlex
import signal
import subprocess
import tempfile
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from threading import Event, Thread
from types import TracebackType
from typing import IO

from profilednn_tui.errors import ProfilerError
from profilednn_tui.plain import plain
from profilednn_tui.recording.copying import Copy, StreamError
from profilednn_tui.session.storage.folder import UNREADABLE
from profilednn_tui.session.storage.limits import LINE_BYTES
from profilednn_tui.session.storage.tail import Resume, StreamLine, decode_line

FIRST_LINE_S = 60.0
"""How long to wait for a connection."""
MOST_LINE_BYTES = LINE_BYTES + 100_000
PAUSES_S = (1.0, 2.0, 5.0, 10.0, 30.0)
"""Between attempts to connect again; the last one stays."""
_REASON_BYTES = 2_000

Command = Callable[[Resume | None], Sequence[str]]
"""The words that start the stream, or have it go on."""


class Mirror:
    """Copies one session as long as it is open; used in a ``with`` block."""

    def __init__(self, origin: str, command: Command) -> None:
        """`origin` is how the user names the session."""
        self._origin = origin
        self._command = command
        self._copy = Copy(origin)
        self._process: subprocess.Popen[bytes] | None = None
        self._stopped = Event()
        self._begun = Event()
        """Set once there is a copy, or will be none."""
        self._reason = "nothing came"
        """Why there is no stream."""
        self._refused = False
        self._thread = Thread(target=self._run, name="profilednn-mirror", daemon=True)

    def __enter__(self) -> Mirror:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._stopped.set()
        if self._process is not None:
            end(self._process)
        self._thread.join()

    def folder(self) -> Path:
        """The folder of the copy, once there is a connection; raises a `ProfilerError` if there is none."""
        self._begun.wait(FIRST_LINE_S)
        folder = self._copy.folder
        if folder is None:
            words = shlex.join(self._command(None))
            raise ProfilerError(f"{self._origin} cannot be read: {self._reason}. Try its command by hand: {words}")
        return folder

    def wait(self) -> None:
        """Wait until the stream ends by itself; only for one that does not follow its session."""
        self._thread.join()

    def _run(self) -> None:
        attempt = 0
        try:
            while not self._stopped.is_set():
                if self._read_stream():
                    attempt = 0
                self._copy.tell(connected=False, reason=self._reason)
                if self._refused or self._copy.ended or self._copy.folder is None:
                    return
                self._stopped.wait(PAUSES_S[min(attempt, len(PAUSES_S) - 1)])
                attempt += 1
        finally:
            self._begun.set()

    def _read_stream(self) -> bool:
        """Copy one stream until it breaks; whether anything came."""
        came = False
        try:
            with tempfile.TemporaryFile() as errors, self._started(errors) as process:
                try:
                    assert process.stdout
                    while not self._copy.ended and (line := process.stdout.readline(MOST_LINE_BYTES)).endswith(b"\n"):
                        self._copy.take(_decoded(line))
                        came = True
                        self._begun.set()
                    if len(line) == MOST_LINE_BYTES:
                        raise StreamError("it has a line that is too long")
                finally:
                    end(process)
                self._reason = _last_words(errors) or f"its command ended with exit code {process.wait()}"
        except StreamError as error:
            self._refused = True
            self._reason = f"its stream is refused, for {error}"
        except (OSError, ProfilerError) as error:
            self._reason = str(getattr(error, "strerror", None) or error).rstrip(".")
        return came

    def _started(self, errors: IO[bytes]) -> subprocess.Popen[bytes]:
        self._process = subprocess.Popen(
            self._command(self._copy.resume()),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=errors,
            start_new_session=True,
        )
        if self._stopped.is_set():  # it was too late to end it from outside
            end(self._process)
        return self._process


def end(process: subprocess.Popen[bytes]) -> None:
    """End a command with what it has started."""
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGTERM)


def _decoded(line: bytes) -> StreamLine:
    try:
        return decode_line(line)
    except UNREADABLE:
        raise StreamError("it has a line that is none of ours") from None


def _last_words(errors: IO[bytes]) -> str:
    """The last line that the command wrote to stderr."""
    errors.seek(0)
    lines = errors.read()[-_REASON_BYTES:].decode("utf-8", "replace").strip().splitlines()
    return plain(lines[-1]).rstrip(".") if lines else ""
