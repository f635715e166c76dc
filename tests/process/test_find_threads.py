"""``attach PID --find-threads``: the number of threads of a training that runs."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.process.harness import TARGETS
from tests.process.launching import PROGRAM, TIME_LIMIT_S, environment, eventually, start

pytestmark = pytest.mark.skipif(os.uname().machine != "x86_64", reason="injection is for x86-64")
SCRIPT = str(TARGETS / "threaded.py")


def test_too_many_threads_are_found_and_the_weights_are_those_of_a_run_with_the_same_numbers(tmp_path: Path) -> None:
    seen, log = tmp_path / "seen.json", tmp_path / "log"
    variables = environment(tmp_path / "home")
    words = [sys.executable, SCRIPT, str(seen)]
    target = subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=variables)
    assert target.stdout is not None
    assert target.stdout.readline() == "ready\n"
    with log.open("wb") as stream:
        attach = (*PROGRAM, "attach", str(target.pid), "--find-threads")
        command = start(attach, tmp_path, stdout=stream, stderr=stream)
    try:
        eventually(lambda: "until you leave" in log.read_text() or command.poll() is not None, "the best number")
        assert "instead of 8 (threads=1" in log.read_text(), log.read_text()
        command.send_signal(signal.SIGINT)
        assert command.wait(TIME_LIMIT_S) == 0
        checksum, _ = target.communicate("end\n", timeout=TIME_LIMIT_S)
    finally:
        for process in (command, target):
            process.kill()
            process.wait()
    counts = json.loads(seen.read_text())
    assert {counts[0], counts[-1]} == {8}, "back to its own number after we left"
    assert set(counts) <= {1, 2, 8}
    again = subprocess.run(
        [sys.executable, SCRIPT, str(tmp_path / "again.json"), str(seen)], capture_output=True, text=True, check=True,
        env=variables, timeout=240,
    )  # fmt: skip
    assert again.stdout == f"ready\n{checksum}"


def test_without_the_agent_nothing_can_be_switched(tmp_path: Path) -> None:
    with start((*PROGRAM, "attach", "1", "--find-threads", "--no-inject"), tmp_path, stderr=subprocess.PIPE) as command:
        _, told = command.communicate(timeout=TIME_LIMIT_S)
    assert command.returncode == 2
    assert b"--find-threads needs the agent" in told
