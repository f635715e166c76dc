"""Signals reach the target once, whatever sends them, and killing one process ends no other."""

from __future__ import annotations

import fcntl
import os
import pty
import signal
import subprocess
import termios
from pathlib import Path

import pytest

from tests.process.launching import PROGRAM, eventually, session_folder, start

COUNTS = """
import os, signal, time
counts = {}
def count(number, frame):
    counts[number] = counts.get(number, 0) + 1
    open("counted", "w").close()
for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT, signal.SIGUSR1):
    signal.signal(number, count)
ended = False
def end(number, frame):
    global ended
    ended = True
signal.signal(signal.SIGUSR2, end)
open("pid", "w").write(str(os.getpid()))
os.rename("pid", "ready")
while not ended:
    time.sleep(0.01)
print({signal.Signals(number).name: count for number, count in sorted(counts.items())}, flush=True)
"""


def ready(folder: Path) -> int:
    """The target's PID, once its handlers are installed."""
    eventually((folder / "ready").exists, "the target")
    return int((folder / "ready").read_text())


@pytest.mark.parametrize("name", ["SIGINT", "SIGTERM", "SIGHUP", "SIGQUIT", "SIGUSR1"])
def test_a_signal_sent_to_us_is_passed_on(name: str, tmp_path: Path) -> None:
    (tmp_path / "script.py").write_text(COUNTS)
    run = start((*PROGRAM, "script.py"), tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    ready(tmp_path)
    run.send_signal(signal.Signals[name])
    eventually((tmp_path / "counted").exists, "the signal")  # two pending signals would arrive in any order
    run.send_signal(signal.SIGUSR2)
    stdout, _ = run.communicate(timeout=60)
    assert (run.returncode, stdout) == (0, f"{{'{name}': 1}}\n".encode())


@pytest.mark.parametrize(("key", "name"), [(b"\x03", "SIGINT"), (b"\x1c", "SIGQUIT")])
def test_a_key_in_the_terminal_reaches_the_target_once(key: bytes, name: str, tmp_path: Path) -> None:
    (tmp_path / "script.py").write_text(COUNTS)
    keyboard, terminal = pty.openpty()

    def own_the_terminal() -> None:
        os.setsid()
        fcntl.ioctl(terminal, termios.TIOCSCTTY, 0)

    run = start(
        (*PROGRAM, "script.py"),
        tmp_path,
        stdin=terminal,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        preexec_fn=own_the_terminal,
    )
    ready(tmp_path)
    os.write(keyboard, key)
    eventually((tmp_path / "counted").exists, "the signal")
    # Our process got it too: had we passed it on, the target would have received it before the next one.
    run.send_signal(signal.SIGUSR2)
    stdout, _ = run.communicate(timeout=60)
    assert (run.returncode, stdout) == (0, f"{{'{name}': 1}}\n".encode())
    os.close(keyboard)
    os.close(terminal)


def test_a_signal_of_the_target_to_its_group_does_not_come_back(tmp_path: Path) -> None:
    text = COUNTS.replace(
        "while not ended", "os.killpg(0, signal.SIGTERM)\nos.killpg(0, signal.SIGUSR2)\nwhile not ended"
    )
    (tmp_path / "script.py").write_text(text)
    run = start((*PROGRAM, "script.py"), tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE, preexec_fn=os.setsid)
    stdout, _ = run.communicate(timeout=60)
    assert (run.returncode, stdout) == (0, b"{'SIGTERM': 1}\n")


def test_a_target_that_is_killed_ends_us_in_the_same_way(tmp_path: Path) -> None:
    (tmp_path / "script.py").write_text(COUNTS)
    run = start((*PROGRAM, "script.py"), tmp_path, stderr=subprocess.PIPE)
    os.kill(ready(tmp_path), signal.SIGKILL)
    _, stderr = run.communicate(timeout=60)
    assert run.returncode == -signal.SIGKILL
    assert b"killed by SIGKILL (9)" in stderr


def test_the_target_lives_on_when_we_are_killed(tmp_path: Path) -> None:
    (tmp_path / "script.py").write_text(COUNTS)
    with open(tmp_path / "said", "wb") as said:
        run = start((*PROGRAM, "script.py"), tmp_path, stdout=said.fileno(), stderr=subprocess.DEVNULL)
        target = ready(tmp_path)
        run.kill()
        run.wait(timeout=60)
        os.kill(target, signal.SIGUSR2)
        eventually(lambda: (tmp_path / "said").read_bytes() == b"{}\n", "the target's last words")


def test_a_stopped_target_is_waited_for(tmp_path: Path) -> None:
    (tmp_path / "script.py").write_text(COUNTS)
    run = start((*PROGRAM, "script.py"), tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    target = ready(tmp_path)
    os.kill(target, signal.SIGSTOP)
    eventually(lambda: b"State:\tT" in Path(f"/proc/{target}/status").read_bytes(), "the stop")
    os.kill(target, signal.SIGCONT)
    run.send_signal(signal.SIGUSR2)
    run.communicate(timeout=60)
    assert run.returncode == 0


def test_the_host_recording_tells_of_the_whole_run(tmp_path: Path) -> None:
    from profilednn_tui.protocol.events import HOST_EVENTS
    from profilednn_tui.session.open_session import open_session

    (tmp_path / "script.py").write_text(COUNTS)
    run = start((*PROGRAM, "script.py"), tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    target = ready(tmp_path)
    recording = session_folder(tmp_path) / "host.jsonl"
    agents = ("openmp", "affinity", "process_end")  # about processes with an agent
    others = ("notice", "exit", "attached", "stacks", "bye", "pss", *agents)  # pss is about children
    wanted = [f'"event":"{event.kind}"'.encode() for event in HOST_EVENTS if event.kind not in others]
    eventually(recording.exists, "the recording")
    eventually(lambda: all(event in recording.read_bytes() for event in wanted), "one sample of all collectors")
    run.send_signal(signal.SIGUSR2)
    run.communicate(timeout=60)
    session = open_session(session_folder(tmp_path))
    while session.poll():
        pass
    view = session.view()
    assert view.target.exit_code == 0
    assert view.machine.cores == os.cpu_count()
    assert [thread.role for thread in view.threads if thread.tid == target] == ["main"]
    assert view.memory.rss_bytes is not None
    assert view.memory.rss_bytes > 1_000_000
    assert not view.notices
