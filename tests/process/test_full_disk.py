"""A disk that fills up during a run: training is unaffected, and every viewer is told."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.process.harness import TARGET_PYTHON, TARGETS
from tests.process.launching import PROGRAM, Outcome, environment

SIZE = "600k"


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    folder = tmp_path / "disk"
    folder.mkdir()
    made = os.geteuid() == 0 and subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={SIZE},mode=700", "none", str(folder)], capture_output=True, check=False
    )
    if not made or made.returncode:
        pytest.skip("a small file system takes the right to mount one")
    yield folder
    subprocess.run(["umount", str(folder)], check=True)


def train(disk: Path, *words: str, watched: bool) -> Outcome:
    program = [*PROGRAM, "run", "--headless", "--python", TARGET_PYTHON] if watched else [TARGET_PYTHON]
    done = subprocess.run(
        [*program, str(TARGETS / "full_disk.py"), *words, str(disk)],
        env=environment(disk / "home"),
        capture_output=True,
        timeout=120,
        check=False,
    )
    return Outcome(done.returncode, done.stdout, done.stderr)


def notices(disk: Path) -> dict[str, dict[str, Any]]:
    """The notices in the recordings, by code."""
    lines = [line for path in (disk / "home").glob("*/*.jsonl") for line in path.read_bytes().splitlines()]
    found: dict[str, dict[str, Any]] = {}
    for line in lines:
        try:
            event = json.loads(line)
        except ValueError:
            continue  # torn when the disk was full
        if event["event"] == "notice":
            found[event["code"]] = event
    return found


def test_a_disk_that_is_full_for_a_while_costs_the_training_nothing_and_is_told(small_disk: Path) -> None:
    plain = train(small_disk, "40", "200", "300", watched=False)
    watched = train(small_disk, "40", "200", "300", watched=True)
    assert (watched.exit_code, watched.stdout) == (plain.exit_code, plain.stdout) == (5, plain.stdout)
    assert b"could not be written for a while" in watched.stderr
    told = notices(small_disk)
    assert told["disk"]["level"] == "info"
    assert "nothing is lost" in told["disk"]["text"]
    assert b"300, ended by optimizer" in watched.stderr


def test_a_disk_that_stays_full_is_told_in_the_summary(small_disk: Path) -> None:
    plain = train(small_disk, "40", "-1", "450", watched=False)
    os.unlink(small_disk / "filler")
    watched = train(small_disk, "40", "-1", "450", watched=True)
    assert (watched.exit_code, watched.stdout) == (5, plain.stdout)
    summary = watched.stderr.decode().partition("\ntarget")[2]
    assert "of the profiler's own lines are lost" in summary
    assert "exit code 5" in summary
