"""The methods of injecting the agent; each is one attempt that leaves the target intact whatever happens."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from dataclasses import dataclass

from profilednn_tui.attach import gdb, injector
from profilednn_tui.attach.checks import REMOTE_EXEC_PYTHON, AttachContext
from profilednn_tui.attach.exchange import Exchange
from profilednn_tui.attach.injector import ADDRESS, SIZE
from profilednn_tui.attach.payload import start_text
from profilednn_tui.attach.process_facts import INJECTION_MACHINE, ProcessFacts
from profilednn_tui.recording.helper import start_helper

TIME_LIMIT_S = 20.0
_REMOTE_EXEC = "import sys; sys.remote_exec(int(sys.argv[1]), sys.argv[2])"
_START_FILE = "start.py"


@dataclass(frozen=True, slots=True)
class AttachTarget:
    """One process and the settings of its agent."""

    facts: ProcessFacts
    exchange: Exchange
    overhead_percent: float
    steps: int | None

    def start_text(self, address: str = "0", size: str = "0") -> bytes:
        """Python source that starts the agent in the target."""
        return start_text(self.exchange.folder_there, self.overhead_percent, self.steps, address, size)


@dataclass(frozen=True, slots=True)
class Attempt:
    """The result of one attempt."""

    failure: str = ""
    """Empty if the agent is on its way."""
    stopped_s: float = 0.0


@dataclass(frozen=True, slots=True)
class Method:
    """One way to inject the agent."""

    name: str
    title: str
    applies: Callable[[ProcessFacts, AttachContext], bool]
    go: Callable[[AttachTarget], Attempt]


def _by_remote_exec(target: AttachTarget) -> Attempt:
    """The request is made by the target's own interpreter: the caller must have the same Python version."""
    pid = target.facts.pid
    target.exchange.write(_START_FILE, target.start_text())
    command = [
        f"/proc/{pid}/exe",
        "-I",
        "-S",
        "-c",
        _REMOTE_EXEC,
        str(pid),
        f"{target.exchange.folder_there}/{_START_FILE}",
    ]
    try:
        done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, timeout=TIME_LIMIT_S, check=False)
    except (OSError, subprocess.TimeoutExpired) as error:
        return Attempt(f"its interpreter cannot be run from here ({error})")
    if done.returncode:
        return Attempt(
            (done.stderr.decode("utf-8", "replace").strip().splitlines() or ["it failed without a message"])[-1]
        )
    return Attempt()


def _by_injection(method: str) -> Callable[[AttachTarget], Attempt]:
    def inject(target: AttachTarget) -> Attempt:
        helper = start_helper("attach.injector", method, str(target.facts.pid), stderr=subprocess.DEVNULL)
        text = target.start_text(ADDRESS.decode(), SIZE.decode())
        try:
            answer, _ = helper.communicate(text, timeout=TIME_LIMIT_S)
            body = json.loads(answer)
        except subprocess.TimeoutExpired:
            helper.kill()  # safe at any instant: the target restores itself
            return Attempt(f"the injector did not finish within {TIME_LIMIT_S:.0f} s")
        except ValueError:
            return Attempt(f"the injector was killed (exit {helper.wait()})")
        return Attempt(body.get("failure", ""), body.get("stopped_s", 0.0))

    return inject


def _by_gdb(target: AttachTarget) -> Attempt:
    return Attempt(gdb.inject(target.facts, target.start_text()))


def _can_inject(facts: ProcessFacts, here: AttachContext) -> bool:
    return here.machine == INJECTION_MACHINE and not facts.shadow_stack


METHODS: tuple[Method, ...] = (
    Method(
        "remote_exec",
        "sys.remote_exec",
        lambda facts, here: facts.python is not None and facts.python >= REMOTE_EXEC_PYTHON,
        _by_remote_exec,
    ),
    Method("injection", "injection", _can_inject, _by_injection(injector.PENDING_CALL)),
    Method("thread", "injection of a thread", _can_inject, _by_injection(injector.THREAD)),
    Method("gdb", "gdb", lambda facts, here: here.machine != INJECTION_MACHINE and here.gdb, _by_gdb),
)
