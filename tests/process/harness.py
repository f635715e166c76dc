"""Runs a target plainly and under the agent, and reads what the agent recorded."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
TARGETS = ROOT / "tests" / "targets"
TARGET_PYTHON = os.environ.get("TARGET_PYTHON", sys.executable)
"""Another interpreter runs the same tests against another Python or torch."""
BOOT = ROOT / "profilednn_tui" / "agent" / "boot"


@dataclass(frozen=True)
class Ended:
    """How a target ended, and its output."""

    exit_code: int
    stdout: str
    stderr: str


@dataclass
class Recording:
    """The events of one process."""

    pid: int
    events: list[dict[str, Any]] = field(default_factory=list)

    def of(self, kind: str) -> list[dict[str, Any]]:
        """All events of a kind."""
        return [event for event in self.events if event["event"] == kind]

    @property
    def steps(self) -> list[list[Any]]:
        """The rows of all steps."""
        return [row for event in self.of("steps") for row in event["rows"]]


def run(*arguments: str, python: str = TARGET_PYTHON, stdin: str = "", **environment: str) -> Ended:
    """Run a target script of `tests/targets` plainly."""
    clean = {key: value for key, value in os.environ.items() if not key.startswith(("PROFILEDNN", "KINETO"))}
    done = subprocess.run(
        [python, *arguments],
        cwd=TARGETS,
        env={**clean, "OMP_NUM_THREADS": "1", "PYTHONDONTWRITEBYTECODE": "1", **environment},
        input=stdin,
        capture_output=True,
        text=True,
        timeout=240,
    )
    return Ended(done.returncode, done.stdout, done.stderr)


def watch(
    folder: Path, *arguments: str, python: str = TARGET_PYTHON, stdin: str = "", **environment: str
) -> tuple[Ended, list[Recording]]:
    """Run a target under the agent; returns its end and the recordings of all its processes that opened a stream."""
    variables = {"PYTHONPATH": str(BOOT), "PROFILEDNN_SESSION": str(folder), **environment}
    ended = run(*arguments, python=python, stdin=stdin, **variables)
    return ended, recordings(folder)


def recordings(folder: Path) -> list[Recording]:
    """The recordings in a session folder; every line must be whole."""
    found = []
    for path in sorted(folder.glob("agent-*.jsonl")):
        lines = path.read_text().splitlines()
        found.append(Recording(int(path.stem.split("-")[1]), [json.loads(line) for line in lines]))
    return found
