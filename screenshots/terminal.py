"""A terminal in which a real program runs: its keys are pressed here, and its screen is kept as frames."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import select
import signal
import struct
import subprocess
import termios
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path

import pyte

from screenshots.svg import Cell, Frame

READ_BYTES = 1 << 16
QUIET_S = 0.4
"""Without output, a screen is complete."""
PATIENCE_S = 180.0

_PRIVATE = re.compile(rb"\x1b\[[<>=][0-9;]*[a-zA-Z]|\x1b\[\?[0-9;]*\$p|\x1bP.*?\x1b\\", re.DOTALL)
"""Queries and modes that pyte would write on the screen."""


class Terminal:
    """Starts a command in a terminal of its own; `close` ends it."""

    def __init__(
        self, words: Sequence[str], columns: int, lines: int, folder: Path, environment: Mapping[str, str]
    ) -> None:
        self._screen = pyte.Screen(columns, lines)
        self._stream = pyte.ByteStream(self._screen)
        self._side, other = pty.openpty()
        fcntl.ioctl(other, termios.TIOCSWINSZ, struct.pack("HHHH", lines, columns, 0, 0))
        self._process = subprocess.Popen(
            words,
            cwd=folder,
            env={**environment, "TERM": "xterm-256color", "COLORTERM": "truecolor", "COLORFGBG": "15;0"},
            stdin=other,
            stdout=other,
            stderr=other,
            start_new_session=True,
        )
        os.close(other)

    @property
    def text(self) -> str:
        """What can be read on the screen."""
        return "\n".join(self._screen.display)

    def frame(self) -> Frame:
        """The screen as it is now."""
        rows = range(self._screen.lines)
        return tuple(tuple(_cell(self._screen.buffer[y][x]) for x in range(self._screen.columns)) for y in rows)

    def press(self, keys: str) -> None:
        """Type, and wait until the screen has answered."""
        os.write(self._side, keys.encode())
        self.rest()

    def rest(self, longest_s: float = 3.0) -> None:
        """Read until nothing more is written, or for so long: a live screen is never still."""
        end_s = time.monotonic() + longest_s
        while time.monotonic() < end_s and self._read(QUIET_S):
            pass

    def wait(self, duration_s: float) -> None:
        """Let the program go on for some time."""
        end_s = time.monotonic() + duration_s
        while (left_s := end_s - time.monotonic()) > 0:
            self._read(left_s)

    def until(self, condition: Callable[[str], bool], what: str, patience_s: float = PATIENCE_S) -> None:
        """Wait until the text of the screen meets a condition; raises a `TimeoutError` that shows the screen."""
        end_s = time.monotonic() + patience_s
        while not condition(self.text):
            if time.monotonic() > end_s:
                raise TimeoutError(f"no {what} after {patience_s:.0f} s:\n{self.text}")
            self._read(0.2)
        self.rest(1.0)

    def close(self) -> None:
        """End the program and all that it has started."""
        for number in (signal.SIGTERM, signal.SIGKILL):
            with suppress(ProcessLookupError):
                os.killpg(self._process.pid, number)
            with suppress(subprocess.TimeoutExpired):
                self._process.wait(10)
                break
        os.close(self._side)

    def _read(self, longest_s: float) -> bool:
        """Show what the program writes within this time; returns whether it wrote something."""
        if not select.select([self._side], [], [], longest_s)[0]:
            return False
        try:
            data = os.read(self._side, READ_BYTES)
        except OSError:  # the program has ended
            time.sleep(min(longest_s, 0.1))
            return False
        self._stream.feed(_PRIVATE.sub(b"", data))
        return True


def _cell(char: pyte.screens.Char) -> Cell:
    front, back = _color(char.fg), _color(char.bg)
    if char.reverse:
        front, back = back or "#000000", front or "#ffffff"
    return Cell(char.data, front, back, char.bold, char.italics, char.underscore)


_NAMED = {
    "black": "#000000", "red": "#cd3131", "green": "#0dbc79", "brown": "#e5e510", "blue": "#2472c8",
    "magenta": "#bc3fbc", "cyan": "#11a8cd", "white": "#e5e5e5",
}  # fmt: skip


def _color(name: str) -> str:
    if name == "default":
        return ""
    return _NAMED.get(name.removeprefix("bright"), f"#{name}")
