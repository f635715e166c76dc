"""Attaches to our own targets and waits for their events."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from profilednn_tui.attach.checks import AttachContext
from profilednn_tui.attach.exchange import SharedExchange, exchange_for
from profilednn_tui.attach.methods import METHODS, AttachTarget, Method
from profilednn_tui.attach.process_facts import inspect_process
from profilednn_tui.attach.strategy import AttachStrategy
from profilednn_tui.protocol.codec import encode
from profilednn_tui.protocol.events import AttachedEvent, Command
from profilednn_tui.protocol.files import agent_recording, control_file
from tests.process.harness import TARGETS
from tests.process.launching import eventually

PYTHONS = (sys.executable, *filter(None, [os.environ.get("SECOND_PYTHON")]))
"""Interpreters with torch: ours, and another one if the environment names it."""


class AttachedAgent:
    """An agent in a running process, injected without the recorder process."""

    def __init__(self, pid: int, folder: Path, steps: int | None = None, methods: tuple[Method, ...] = METHODS) -> None:
        folder.mkdir()
        self.pid = pid
        self.folder = folder
        self.exchange = exchange_for(pid, folder)
        assert isinstance(self.exchange, SharedExchange)
        self.exchange.carry()
        target = AttachTarget(inspect_process(pid), self.exchange, 100.0, steps)
        self.attached: AttachedEvent = AttachStrategy(target, AttachContext.here(), methods).run()

    @property
    def events(self) -> list[dict[str, Any]]:
        """The whole lines that the agent has written."""
        text = (self.folder / agent_recording(self.pid)).read_bytes()
        return [json.loads(line) for line in text[: text.rfind(b"\n") + 1].splitlines()]

    def of(self, kind: str) -> list[dict[str, Any]]:
        return [event for event in self.events if event["event"] == kind]

    def wait_for(self, kind: str, count: int = 1) -> None:
        eventually(lambda: len(self.of(kind)) >= count, f"{count} {kind} from {self.pid}: {self.attached}")

    def detach(self) -> None:
        with (self.folder / control_file(self.pid)).open("ab") as stream:
            stream.write(encode(Command("detach")))
        self.wait_for("bye")


@contextmanager
def target(script: str, *arguments: str, python: str = sys.executable) -> Iterator[subprocess.Popen[str]]:
    """A target that runs until a line on its stdin ends it, or until it ends by itself."""
    process = subprocess.Popen(
        [python, str(TARGETS / script), *arguments],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
    )
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def ready(process: subprocess.Popen[str]) -> None:
    """Wait until the target has made a step."""
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"


def end(process: subprocess.Popen[str]) -> tuple[str, str, int]:
    """End the target; what it said, and its exit code."""
    stdout, stderr = process.communicate("end\n", timeout=60)
    return stdout, stderr, process.returncode
