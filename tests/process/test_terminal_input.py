"""Detection of a process that waits for input."""

from __future__ import annotations

import os
import pty
import subprocess
import sys
import time
from collections.abc import Iterator

import pytest

from profilednn_tui.collect.terminal_input import awaits_terminal


@pytest.fixture
def terminal() -> Iterator[tuple[int, int]]:
    ours, theirs = pty.openpty()
    yield ours, theirs
    os.close(ours)
    os.close(theirs)


def answers(pid: int, expected: bool) -> bool:
    """Whether it is said within ten seconds that the process waits, or never in one second."""
    end_s = time.monotonic() + (10 if expected else 1)
    while time.monotonic() < end_s:
        if awaits_terminal(pid):
            return True
        time.sleep(0.02)
    return False


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ("input('name? ')", True),
        ("import sys; sys.stdin.readline()", True),
        ("import readline; input('> ')", True),
        ("import time; time.sleep(60)", False),
        ("import os; os.read(os.pipe()[0], 1)", False),
    ],
)
def test_only_a_read_from_a_terminal_awaits_input(terminal: tuple[int, int], code: str, expected: bool) -> None:
    _, theirs = terminal
    with subprocess.Popen([sys.executable, "-c", code], stdin=theirs, stdout=theirs, stderr=theirs) as process:
        try:
            assert answers(process.pid, expected) is expected
        finally:
            process.kill()


def test_input_that_comes_from_a_file_is_not_awaited() -> None:
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as process:
        try:
            assert not answers(process.pid, expected=False)
        finally:
            process.kill()


def test_a_process_that_is_gone_awaits_nothing() -> None:
    assert not awaits_terminal(2**22 + 1)
