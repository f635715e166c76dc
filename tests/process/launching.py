"""Runs programs directly and through our command line, and compares."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
PROGRAM = (sys.executable, "-m", "profilednn_tui")
TIME_LIMIT_S = 180.0
"""Only a command that hangs takes so long; two in one CPU's worth of other load have taken more than a minute."""


@dataclass(frozen=True)
class Outcome:
    """How a program ended, and its output."""

    exit_code: int
    stdout: bytes
    stderr: bytes


def environment(home: Path) -> dict[str, str]:
    """The environment of both ways to run."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("PROFILEDNN", "VIRTUAL_ENV"))}
    return clean | {
        "PROFILEDNN_HOME": str(home),
        "PYTHONPATH": os.pathsep.join((str(ROOT), str(ROOT / "tests" / "targets"))),  # for copies of targets
        "PYTHONDONTWRITEBYTECODE": "1",
        "OMP_NUM_THREADS": "1",
        "KINETO_LOG_LEVEL": "99",
    }


def run(words: tuple[str, ...], folder: Path, stdin: bytes = b"", **variables: str) -> Outcome:
    """Run a command line in a folder to its end."""
    done = subprocess.run(
        words,
        cwd=folder,
        env=environment(folder / "home") | variables,
        input=stdin,
        capture_output=True,
        timeout=TIME_LIMIT_S,
        check=False,
    )
    return Outcome(done.returncode, done.stdout, done.stderr)


def start(words: tuple[str, ...], folder: Path, **streams: Any) -> subprocess.Popen[bytes]:
    """Start a command line in a folder."""
    return subprocess.Popen(words, cwd=folder, env=environment(folder / "home"), **streams)


def eventually(condition: Callable[[], bool], what: str) -> None:
    """Wait until a condition holds; fail if it takes too long."""
    deadline_s = time.monotonic() + TIME_LIMIT_S
    while not condition():
        assert time.monotonic() < deadline_s, f"waited in vain for: {what}"
        time.sleep(0.01)


def session_folder(folder: Path) -> Path:
    """The only session below a test's folder; files beside it hold what earlier runs have taught."""
    (session,) = (path for path in (folder / "home").iterdir() if path.is_dir())
    return session
