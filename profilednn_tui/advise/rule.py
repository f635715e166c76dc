"""What a rule is, and what it can look at."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Protocol

import msgspec

from profilednn_tui.advise.account import StepAccount
from profilednn_tui.advise.findings import Finding
from profilednn_tui.session.frames import call_site, relative_file
from profilednn_tui.session.view import Frame, Operator, OperatorKey, SessionView


@dataclass(frozen=True, slots=True)
class Signals:
    """A session and its step account."""

    view: SessionView
    account: StepAccount

    @property
    def usable_cores(self) -> float | None:
        """What affinity and quota leave to the target; None if unknown."""
        machine = self.view.machine
        if machine.affinity is None:
            return None
        return machine.affinity if machine.quota is None else min(float(machine.affinity), machine.quota)

    @property
    def usable_physical_cores(self) -> float | None:
        """The same, of cores whose siblings count once; None if unknown."""
        machine, usable = self.view.machine, self.usable_cores
        physical = machine.usable_physical_cores or machine.physical_cores
        return usable if usable is None or physical is None else min(float(physical), usable)

    @property
    def quota_counts(self) -> bool:
        """Whether the quota leaves less than the affinity."""
        quota, affinity = self.view.machine.quota, self.view.machine.affinity
        return quota is not None and affinity is not None and quota < affinity

    @property
    def training_processes(self) -> int:
        """How many processes train at the same time here, such as ranks; at least 1."""
        trained = [process for process in self.view.processes if process.steps > 0]
        ranks = {process.rank for process in trained if process.rank is not None}
        return max(1, len(ranks), sum(not process.ended for process in trained))

    def operators(self, chosen: Callable[[Operator], bool]) -> tuple[Operator, ...]:
        """The operators that are chosen, most self time first."""
        return tuple(row for row in self.view.operators.rows if chosen(row))

    def place(self, operator: Operator) -> str:
        """``train.py:24``: the user's line behind most of an operator's time; empty if unknown."""
        stack = operator.stacks[0] if operator.stacks else None
        return self.line(call_site(stack.forward_frames or stack.frames)) if stack else ""

    def at(self, operator: Operator) -> str:
        """`place` in parentheses after a space, to be put behind a word; empty if unknown."""
        place = self.place(operator)
        return f" ({place})" if place else ""

    def line(self, frame: Frame | None) -> str:
        """``train.py:24``; empty if unknown."""
        if frame is None or not frame.line:
            return ""
        return f"{relative_file(frame.file, self.view.target.working_directory)}:{frame.line}"


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
