"""SIGKILL at any moment costs at most the last second of the recording, and does not affect the target."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from tests.process.harness import watch
from tests.process.launching import PROGRAM, ROOT, environment

DETACH = """
import json, os, time
from tiny import train
train(5)
folder = os.environ["PROFILEDNN_SESSION"]
with open(f"{folder}/control-{os.getpid()}", "w") as control:
    control.write(json.dumps({"event": "command", "action": "detach"}) + "\\n")
deadline = time.monotonic() + 30
while '"event":"bye"' not in open(f"{folder}/agent-{os.getpid()}.jsonl").read() and time.monotonic() < deadline:
    train(1)
"""


def test_target_host_and_holder_are_killed_at_random_moments(tmp_path: Path) -> None:
    words = ("--moments", "1", "--steps", "600", "--at-once", str(min(4, os.cpu_count() or 1)), "--name", "-")
    done = subprocess.run(
        (sys.executable, "-m", "benchmarks.survival", *words),
        cwd=ROOT,
        env=environment(tmp_path),
        capture_output=True,
        text=True,
        timeout=200,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.count(" | 1 |") >= 7, done.stdout


def test_a_full_disk_behind_our_own_output_is_one_sentence(tmp_path: Path) -> None:
    """Issue 2: `list > /dev/full` was a traceback."""
    with open("/dev/full", "wb") as full:
        done = subprocess.run(
            (*PROGRAM, "list"), stdout=full, stderr=subprocess.PIPE, env=environment(tmp_path), check=False
        )
    assert done.returncode == 2
    assert done.stderr.count(b"\n") == 1
    assert b"No space left on device" in done.stderr


def test_an_agent_that_is_told_to_detach_says_so_in_the_sessions_words(tmp_path: Path) -> None:
    """Issue 2: the agent said "detached", the session knew "detach", and the state was never shown."""
    ended, (recording,) = watch(tmp_path, "-c", DETACH)
    assert ended.exit_code == 0, ended.stderr
    assert [event["reason"] for event in recording.of("bye")] == ["detach"]
