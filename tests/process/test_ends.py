"""How the host learns that a process has ended, and how."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from profilednn_tui.collect import procfs
from profilednn_tui.collect.tree import ProcessUse
from profilednn_tui.protocol.events import ProcessEndEvent
from profilednn_tui.recording.ends import EndWatch, exit_code
from tests.process.launching import eventually


def started(code: str = "input()") -> subprocess.Popen[bytes]:
    return subprocess.Popen([sys.executable, "-S", "-c", code], stdin=subprocess.PIPE)


def use(pid: int) -> ProcessUse:
    stat = procfs.process(pid)
    assert stat is not None
    return ProcessUse(pid, stat, {})


def awaited(watch: EndWatch) -> ProcessEndEvent:
    """The next end."""
    found: list[ProcessEndEvent] = []

    def there() -> bool:
        found.extend(watch.news())
        return bool(found)

    eventually(there, "an end")
    return found[0]


def in_time(child: subprocess.Popen[bytes]) -> None:
    """Wait until the child has ended, without asking for its exit code."""
    os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)


@pytest.mark.parametrize(
    ("ends", "code"),
    [
        (lambda child: child.stdin.close(), 1),
        (lambda child: child.stdin.write(b"\n") and child.stdin.close(), 0),
        (lambda child: child.kill(), -9),
        (lambda child: child.send_signal(signal.SIGSEGV), -11),
    ],
)
def test_the_exit_code_is_known_until_the_parent_asks(
    ends: Callable[[subprocess.Popen[bytes]], object], code: int
) -> None:
    with started() as child:
        watch = EndWatch()
        watch.follow([use(child.pid)])
        assert watch.news() == []
        ends(child)
        in_time(child)
        end = awaited(watch)
        assert (end.pid, end.exit_code) == (child.pid, code)
        assert end.alive_unix_ns <= end.unix_ns
        child.wait()
        assert exit_code(child.pid) is None


def test_where_the_kernel_reports_no_ends_processes_are_looked_at(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(pid: int) -> int:
        raise PermissionError

    monkeypatch.setattr(os, "pidfd_open", refuse)
    with started() as child:
        watch = EndWatch()
        watch.follow([use(child.pid)])
        assert watch.news() == []
        child.kill()
        in_time(child)
        (end,) = watch.news()
        assert (end.exit_code, end.alive_unix_ns < end.unix_ns) == (-9, True)
        assert watch.news() == []


def test_the_last_ends_are_there_at_once() -> None:
    with started() as child:
        watch = EndWatch()
        watch.follow([use(child.pid)])
        child.kill()
        child.wait()
        (end,) = watch.last_news()
        assert end.pid == child.pid
        assert end.exit_code in (None, -9), "its parent has asked for it; the thread may have been faster"


def test_a_process_is_followed_once(tmp_path: Path) -> None:
    with started() as child:
        watch = EndWatch()
        for _ in range(3):
            watch.follow([use(child.pid)])
        child.kill()
        child.wait()
        assert len(watch.last_news()) == 1
