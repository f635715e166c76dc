"""SIGKILL at any moment costs at most the last second of the recording, and the target nothing."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from tests.integration.launching import ROOT, environment


def test_target_host_and_holder_are_killed_at_random_moments(tmp_path: Path) -> None:
    words = ("--moments", "2", "--steps", "600", "--at-once", str(min(4, os.cpu_count() or 1)), "--name", "-")
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
    assert done.stdout.count(" | 2 |") >= 7, done.stdout
