"""Tries one method after another until the agent says hello; each failure is kept as a reason."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

from profilednn_tui.attach.checks import AttachContext, check_process
from profilednn_tui.attach.methods import METHODS, AttachTarget, Method
from profilednn_tui.collect import procfs
from profilednn_tui.protocol.events import AttachedEvent, HelloEvent
from profilednn_tui.protocol.files import agent_recording, answer_file
from profilednn_tui.protocol.vocabulary import ALREADY_PRESENT

HELLO_LIMIT_S = 1.2
"""Time for the hello after one method before the next is tried as well: a thread that trains while the main thread
waits should be visible within 3 s."""
PATIENCE_S = 60.0
"""For all methods together: a pending call runs only when the main thread returns from a long computation."""
_POLL_S = 0.02


def is_running(pid: int) -> bool:
    """Whether a process exists and is not a zombie."""
    stat = procfs.process(pid)
    return stat is not None and stat.state not in "ZX"


@dataclass
class AttachStrategy:
    """Brings the agent into one process."""

    target: AttachTarget
    here: AttachContext
    methods: Sequence[Method] = METHODS
    wait: Callable[[float], object] = time.sleep
    clock: Callable[[], float] = time.monotonic
    alive: Callable[[int], bool] = is_running
    reasons: list[str] = field(default_factory=list)
    stopped_s: float = 0.0

    def run(self) -> AttachedEvent:
        """Try the methods and return the outcome."""
        method = self._run()
        return AttachedEvent(self.target.facts.pid, method, self.reasons, int(self.stopped_s * 1e9), time.time_ns())

    def _run(self) -> str:
        facts = self.target.facts
        in_the_way = [check.text for check in check_process(facts, self.here) if not check.passed]
        if in_the_way:
            self.reasons += in_the_way
            return ""
        deadline_s = self.clock() + PATIENCE_S
        pending = ""
        for method in self._applicable():
            attempt = method.go(self.target)
            self.stopped_s += attempt.stopped_s
            if not self.alive(facts.pid):
                self.reasons.append(f"process {facts.pid} has ended")
                return ""
            if attempt.failure:
                self.reasons.append(f"{method.title}: {attempt.failure}")
                continue
            pending = method.name
            if self._heard(self.clock() + HELLO_LIMIT_S):
                return self._finish(method.name)
            self.reasons.append(f"{method.title}: no answer within {HELLO_LIMIT_S:g} s")
        if pending and self._heard(deadline_s):
            return self._finish(pending)
        return ""

    def _applicable(self) -> Iterator[Method]:
        applicable = [method for method in self.methods if method.applies(self.target.facts, self.here)]
        if not applicable:
            self.reasons.append(f"no method works on {self.here.machine}")
        return iter(applicable)

    def _finish(self, method: str) -> str:
        failure = self._failure()
        if failure is None:
            return method
        self.reasons.append(failure)
        return ""

    def _heard(self, deadline_s: float) -> bool:
        while not (self._hello() or self._failure() is not None):
            if self.clock() > deadline_s or not self.alive(self.target.facts.pid):
                return False
            self.wait(_POLL_S)
        return True

    def _hello(self) -> bool:
        exchange = self.target.exchange
        return f'"event":"{HelloEvent.kind}"'.encode() in exchange.read(agent_recording(exchange.pid_there))[:65536]

    def _failure(self) -> str | None:
        """The failure reported instead of a hello; None if there is none."""
        exchange = self.target.exchange
        line = exchange.read(answer_file(exchange.pid_there)).partition(b"\n")[0]
        try:
            body = json.loads(line)
        except ValueError:
            return None
        if body.get("event") == ALREADY_PRESENT:
            return f"the process already has an agent, whose session is {body.get('folder')}"
        return str(body.get("text"))
