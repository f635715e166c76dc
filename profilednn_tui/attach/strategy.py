"""One way in after another until the agent says hello; each failure is kept as a reason."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

from profilednn_tui.attach.checks import Surroundings, check_process
from profilednn_tui.attach.methods import WAYS, Target, Way
from profilednn_tui.collect import procfs
from profilednn_tui.protocol.events import AttachedEvent, HelloEvent
from profilednn_tui.protocol.files import agent_recording, answer_file
from profilednn_tui.protocol.vocabulary import ALREADY_PRESENT

HELLO_LIMIT_S = 1.2
"""For the hello after one way, before the next is tried beside it: a thread that trains beside a main thread that waits
is to be seen within 3 s."""
PATIENCE_S = 60.0
"""For all ways together: a call that is pending is answered when the main thread returns from a long computation."""
_POLL_S = 0.02


def is_running(pid: int) -> bool:
    """Whether a process is there and no zombie."""
    stat = procfs.process(pid)
    return stat is not None and stat.state not in "ZX"


@dataclass
class Ladder:
    """Brings the agent into one process."""

    target: Target
    here: Surroundings
    ways: Sequence[Way] = WAYS
    wait: Callable[[float], object] = time.sleep
    clock: Callable[[], float] = time.monotonic
    alive: Callable[[int], bool] = is_running
    reasons: list[str] = field(default_factory=list)
    stopped_s: float = 0.0

    def climb(self) -> AttachedEvent:
        """Try; what came of it."""
        way = self._climb()
        return AttachedEvent(self.target.facts.pid, way, self.reasons, int(self.stopped_s * 1e9), time.time_ns())

    def _climb(self) -> str:
        facts = self.target.facts
        in_the_way = [check.text for check in check_process(facts, self.here) if not check.passed]
        if in_the_way:
            self.reasons += in_the_way
            return ""
        deadline_s = self.clock() + PATIENCE_S
        pending = ""
        for way in self._applicable():
            attempt = way.go(self.target)
            self.stopped_s += attempt.stopped_s
            if not self.alive(facts.pid):
                self.reasons.append(f"process {facts.pid} has ended")
                return ""
            if attempt.failure:
                self.reasons.append(f"{way.title}: {attempt.failure}")
                continue
            pending = way.name
            if self._heard(self.clock() + HELLO_LIMIT_S):
                return self._finish(way.name)
            self.reasons.append(f"{way.title}: no answer within {HELLO_LIMIT_S:g} s")
        if pending and self._heard(deadline_s):
            return self._finish(pending)
        return ""

    def _applicable(self) -> Iterator[Way]:
        applicable = [way for way in self.ways if way.applies(self.target.facts, self.here)]
        if not applicable:
            self.reasons.append(f"there is no way in on {self.here.machine}")
        return iter(applicable)

    def _finish(self, way: str) -> str:
        failure = self._failure()
        if failure is None:
            return way
        self.reasons.append(failure)
        return ""

    def _heard(self, deadline_s: float) -> bool:
        while not (self._hello() or self._failure() is not None):
            if self.clock() > deadline_s or not self.alive(self.target.facts.pid):
                return False
            self.wait(_POLL_S)
        return True

    def _hello(self) -> bool:
        place = self.target.place
        return f'"event":"{HelloEvent.kind}"'.encode() in place.read(agent_recording(place.pid_there))[:65536]

    def _failure(self) -> str | None:
        """What the way in has left instead of a hello."""
        place = self.target.place
        line = place.read(answer_file(place.pid_there)).partition(b"\n")[0]
        try:
            body = json.loads(line)
        except ValueError:
            return None
        if body.get("event") == ALREADY_PRESENT:
            return f"an agent is there already, its session is {body.get('folder')}"
        return str(body.get("text"))
