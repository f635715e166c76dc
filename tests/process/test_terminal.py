"""The screen in a terminal that disappears or stops it."""

from __future__ import annotations

import fcntl
import os
import pty
import select
import signal
import struct
import termios
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from profilednn_tui.session.storage.folder import EXIT_FILE, ExitFile
from tests.process.launching import PROGRAM, environment, eventually

TARGET = "import time\nfor _ in range(100): time.sleep(0.1)\nraise SystemExit(7)\n"


class Screen:
    """A TUI on its own pty."""

    def __init__(self, folder: Path, *, ignores_hangup: bool) -> None:
        script = folder / "target.py"
        script.write_text(TARGET)
        self.home = folder / "home"
        self.pid, self.terminal = pty.fork()
        if self.pid == 0:
            if ignores_hangup:
                signal.signal(signal.SIGHUP, signal.SIG_IGN)
            fcntl.ioctl(0, termios.TIOCSWINSZ, struct.pack("HHHH", 40, 120, 0, 0))
            variables = {**environment(self.home), "TERM": "xterm-256color"}
            os.execvpe(PROGRAM[0], [*PROGRAM, str(script)], variables)
        self.ended = False

    def read_until(self, seen: Callable[[bytes], bool]) -> None:
        """Read its output until a condition holds."""
        text, end_s = b"", time.monotonic() + 60
        while not seen(text):
            assert time.monotonic() < end_s, text[-2000:]
            if select.select([self.terminal], [], [], 1.0)[0]:
                text += os.read(self.terminal, 65536)

    def has_ended(self) -> bool:
        if not self.ended:
            self.ended = os.waitpid(self.pid, os.WNOHANG)[0] == self.pid
        return self.ended

    @property
    def threads(self) -> int:
        return len(os.listdir(f"/proc/{self.pid}/task"))


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Callable[[bool], Screen]]:
    """Starts a screen that ignores SIGHUP or not, and waits for its first picture."""
    made: list[Screen] = []

    def one(ignores_hangup: bool) -> Screen:
        made.append(Screen(tmp_path, ignores_hangup=ignores_hangup))
        made[-1].read_until(lambda text: b"Waiting for torch" in text)
        return made[-1]

    yield one
    for screen in made:
        if not screen.has_ended():
            os.kill(screen.pid, signal.SIGKILL)


@pytest.mark.parametrize("ignores_hangup", [False, True])
def test_a_screen_whose_terminal_is_gone_ends_and_the_target_goes_on(
    ignores_hangup: bool, start: Callable[[bool], Screen]
) -> None:
    """With SIGHUP ignored, as under nohup, it kept reading the vanished terminal and used a whole core."""
    screen = start(ignores_hangup)
    os.close(screen.terminal)
    eventually(screen.has_ended, "the end of the screen")
    (session,) = screen.home.iterdir()
    assert not (session / EXIT_FILE).exists()
    eventually((session / EXIT_FILE).exists, "the end of the target")
    ended = ExitFile.load(session)
    assert ended is not None
    assert ended.exit_code == 7


def test_a_screen_that_was_stopped_reads_with_one_thread_and_ends(start: Callable[[bool], Screen]) -> None:
    """SIGSTOP and SIGCONT left two threads reading the terminal, one of which never ended."""
    screen = start(False)
    before = screen.threads
    os.kill(screen.pid, signal.SIGSTOP)
    time.sleep(0.2)
    os.kill(screen.pid, signal.SIGCONT)
    screen.read_until(lambda text: b"Waiting for torch" in text)
    assert screen.threads <= before
    os.write(screen.terminal, b"q")
    screen.read_until(lambda text: b"Leave it running" in text)
    os.write(screen.terminal, b"l")
    eventually(screen.has_ended, "the end of the screen")


def test_a_screen_that_was_suspended_paints_everything_again(start: Callable[[bool], Screen]) -> None:
    """After ctrl+z and fg, borders and the keys were missing until the terminal was resized."""
    screen = start(False)
    os.write(screen.terminal, b"\x1a")
    status = Path(f"/proc/{screen.pid}/stat")
    eventually(lambda: status.read_text().rpartition(") ")[2].startswith("T"), "the suspension")
    termios.tcflush(screen.terminal, termios.TCIFLUSH)
    os.kill(screen.pid, signal.SIGCONT)
    screen.read_until(lambda text: all(part in text for part in (b"1 Steps, ms", b"6 Output", b"optimizations")))
