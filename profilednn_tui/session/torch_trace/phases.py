"""The phases of a step of a torch trace, from the names of its outermost operators and annotations."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable
from dataclasses import dataclass

from profilednn_tui.protocol.vocabulary import PHASES
from profilednn_tui.session.torch_trace.file import TorchEvent

UNKNOWN = -1
DATA, FORWARD, BACKWARD, OPTIMIZER, OTHER = map(PHASES.index, ("data", "forward", "backward", "optimizer", "other"))
_NAMES = (
    ("enumerate(DataLoader)", DATA),
    ("Optimizer.step", OPTIMIZER),
    ("autograd::engine::evaluate_function", BACKWARD),
)


@dataclass(frozen=True, slots=True)
class Spans:
    """Consecutive spans; the first one ends where the step begins."""

    ends_ns: list[int]
    phases: list[int]

    def phase(self, start_ns: int, end_ns: int) -> tuple[int, bool]:
        """The phase in the middle of an event, and whether all of the event is in it."""
        place = bisect_left(self.ends_ns, (start_ns + end_ns) // 2)
        if place >= len(self.ends_ns):
            return UNKNOWN, False
        begin_ns = self.ends_ns[place - 1] if place else start_ns
        return self.phases[place], begin_ns <= start_ns and end_ns <= self.ends_ns[place]

    def sums_ns(self) -> list[int]:
        """The time of each phase, in the order of `PHASES`."""
        sums = [0] * len(PHASES)
        for begin_ns, end_ns, phase in zip(self.ends_ns, self.ends_ns[1:], self.phases[1:], strict=False):
            if phase != UNKNOWN:
                sums[phase] += end_ns - begin_ns
        return sums


def spans_of(operators: Iterable[tuple[TorchEvent, bool]], begin_ns: int, end_ns: int, thread: int) -> Spans:
    """The phases of a step, from its operators in the order of their times and whether each is in no other one.

    What comes before a backward pass is the forward pass, with the loss; what else has no name is other time.
    """
    spans: list[list[int]] = []
    for event, outermost in operators:
        if not outermost or event.tid != thread or event.end_ns <= begin_ns or event.start_ns >= end_ns:
            continue
        phase = next((phase for name, phase in _NAMES if event.name.startswith(name)), UNKNOWN)
        if spans and spans[-1][2] == phase and phase != DATA:
            spans[-1][1] = event.end_ns
        else:
            spans.append([event.start_ns, event.end_ns, phase])
    ends, phases = [begin_ns], [UNKNOWN]

    def add(until_ns: int, phase: int) -> None:
        until_ns = min(max(until_ns, ends[-1]), end_ns)
        if until_ns > ends[-1]:
            ends.append(until_ns)
            phases.append(phase)

    for place, (start_ns, stop_ns, phase) in enumerate(spans):
        add(start_ns, OTHER)
        following = spans[place + 1] if place + 1 < len(spans) else None
        if phase != UNKNOWN:
            add(stop_ns, phase)
        elif following is not None and following[2] == BACKWARD:
            add(following[0], FORWARD)
        else:
            add(stop_ns, OTHER)
    add(end_ns, OTHER)
    return Spans(ends, phases)
