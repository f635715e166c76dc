"""What a rule is, and what it can look at."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Protocol

import msgspec

from profilednn_tui import units
from profilednn_tui.advise.account import StepAccount
from profilednn_tui.advise.findings import Finding
from profilednn_tui.session.frames import call_site, relative_file
from profilednn_tui.session.view import Core, Frame, Operator, OperatorKey, ProcessEntry, SessionView

PROFILED_MS = "ms per profiled step"
"""The unit of operators' times: profiled steps may take longer than those that phases are measured in."""
MOSTLY = 0.5


@dataclass(frozen=True, slots=True)
class Signals:
    """A session and its step account."""

    view: SessionView
    account: StepAccount

    @property
    def training(self) -> tuple[ProcessEntry, ...]:
        """The processes that train at the same time here, such as the newest ranks; that which is shown if all others
        have ended."""
        trained = [process for process in self.view.processes if process.steps > 0]
        newest = max((process.life for process in trained if process.rank is not None), default=1)
        ranks = {process.rank: process for process in trained if process.rank is not None and process.life == newest}
        running = [process for process in trained if not process.ended]
        shown = [process for process in trained if process.shown]
        together = list(ranks.values()) if len(ranks) >= len(running) else running
        return tuple(together or shown)

    @property
    def training_processes(self) -> int:
        """How many processes train at the same time here; at least 1."""
        return max(1, len(self.training))

    @property
    def bound_cpus(self) -> frozenset[int]:
        """The logical CPUs that they may run on, together; empty if unknown."""
        each = [process.cpus for process in self.training]
        return frozenset().union(*each) if all(each) else frozenset()

    @property
    def allowed_cpus(self) -> int | None:
        """How many these are; None if unknown."""
        return len(self.bound_cpus) or self.view.machine.affinity

    def is_allowed(self, core: Core) -> bool:
        """Whether a process that trains may run on a logical CPU."""
        return core.index in self.bound_cpus if self.bound_cpus else core.allowed

    @property
    def usable_cores(self) -> float | None:
        """What affinity and quota leave to the target; None if unknown."""
        quota, allowed = self.view.machine.quota, self.allowed_cpus
        if allowed is None:
            return None
        return allowed if quota is None else min(float(allowed), quota)

    @property
    def usable_physical_cores(self) -> float | None:
        """The same, of cores whose siblings count once; None if unknown."""
        machine, usable = self.view.machine, self.usable_cores
        known = machine.usable_physical_cores if self.allowed_cpus == machine.affinity else None
        physical = known or machine.physical_cores
        return usable if usable is None or physical is None else min(float(physical), usable)

    @property
    def quota_counts(self) -> bool:
        """Whether the quota leaves less than the affinity."""
        quota, allowed = self.view.machine.quota, self.allowed_cpus
        return quota is not None and allowed is not None and quota < allowed

    def operators(self, chosen: Callable[[Operator], bool]) -> tuple[Operator, ...]:
        """The operators that are chosen, most self time first."""
        return tuple(row for row in self.view.operators.rows if chosen(row))

    def lines(self, operators: Iterable[Operator]) -> dict[str, float]:
        """The user's lines behind operators, most self time first, with that time in ns per step; ``""`` stands for
        what is unknown."""
        times: dict[str, float] = {}
        for stack in (stack for operator in operators for stack in operator.stacks):
            line = self.line(call_site(stack.forward_frames or stack.frames))
            times[line] = times.get(line, 0.0) + stack.self_ns_per_step
        return dict(sorted(times.items(), key=lambda item: -item[1]))

    def place(self, operator: Operator) -> str:
        """``train.py:24``: the user's line with the most of an operator's time; empty if unknown."""
        return next(iter(self.lines([operator])), "")

    def at(self, operator: Operator) -> str:
        """``" (train.py:24)"``, or ``" (train.py:24 and 3 other lines)"`` if that has less than half of an operator's
        time: to be put behind a word. Empty if unknown."""
        lines = self.lines([operator])
        place = next(iter(lines), "")
        if not place:
            return ""
        rest = len(lines) - 1
        few = rest and lines[place] <= MOSTLY * sum(lines.values())
        return f" ({place} and {units.counted(rest, 'other line')})" if few else f" ({place})"

    def line(self, frame: Frame | None) -> str:
        """``train.py:24``; empty if unknown."""
        if frame is None or not frame.line:
            return ""
        return f"{relative_file(frame.file, self.view.target.working_directory)}:{frame.line}"


def mostly_at(line: str, share: float) -> str:
    """Where `share` of some time is: ``, most of it at train.py:24``; empty if unknown."""
    if not line:
        return ""
    return f", most of it at {line}" if share > MOSTLY else f", {units.share(share)} of that at {line}"


class Rule(Protocol):
    """One cause of lost time; one file each in `advise.rules`."""

    name: str
    """As in the JSON."""

    def missing(self, signals: Signals) -> str:
        """Why the rule cannot tell, naming the missing signal; empty if it can."""

    def look(self, signals: Signals) -> Finding | None:
        """What the rule finds; None if there is nothing. Called only if nothing is `missing`."""


def no_steps(signals: Signals) -> str:
    """The reason of rules that need steps."""
    return "" if signals.account.step_ns else "no plain step has been measured yet"


def no_operators(signals: Signals) -> str:
    """The reason of rules that need operators."""
    return no_steps(signals) or ("" if signals.account.has_operators else "no window has recorded operators")


def no_samples(signals: Signals) -> str:
    """The reason of rules that need samples of the machine."""
    return no_steps(signals) or ("" if signals.view.cores.cores else "the machine was not sampled")


def self_ms(operators: Iterable[Operator]) -> float:
    """Their self time per step."""
    return sum(row.self_ns_per_step for row in operators) / 1e6


def input_shapes(key: OperatorKey) -> tuple[tuple[int, ...], ...]:
    """The shapes of an operator's inputs, ``()`` for a number; empty if unknown or if an input is a list of tensors."""
    try:
        return tuple(map(tuple, msgspec.json.decode(key.input_shapes, type=list[list[int]])))
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return ()
