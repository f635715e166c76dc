"""What one training process has said."""

from __future__ import annotations

from collections import deque

from profilednn_tui import protocol
from profilednn_tui.session.primitives import PrimitiveSeries
from profilednn_tui.session.records import Agent, Optimization, ProcessEntry, Progress
from profilednn_tui.session.steps import StepSeries
from profilednn_tui.session.windows import WindowSeries

KEPT_ERRORS = 50
LEFT = frozenset({"detach", "unread"})
"""Reasons of a `protocol.Bye` with which the process goes on without us."""


class Process:
    """One process of the target that has an agent; bounded."""

    def __init__(self, hello: protocol.Hello) -> None:
        self.hello = hello
        self.progress = Progress()
        self.steps = StepSeries()
        self.windows = WindowSeries(self.steps)
        self.primitives = PrimitiveSeries()
        self.bye: protocol.Bye | None = None
        self.first_step_unix_ns: int | None = None
        self._status: protocol.Status | None = None
        self._errors: deque[str] = deque(maxlen=KEPT_ERRORS)
        self._optimizations = {name: Optimization(name, "asked", "") for name in hello.optimizations}

    @property
    def detached(self) -> bool:
        return self.bye is not None and self.bye.reason in LEFT

    @property
    def optimizations(self) -> tuple[Optimization, ...]:
        return tuple(self._optimizations.values())

    def entry(self, ended: bool) -> ProcessEntry:
        hello = self.hello
        return ProcessEntry(hello.pid, hello.rank, tuple(hello.argv), self.steps.count, ended or self.bye is not None)

    def agent(self, bad_lines: int) -> Agent:
        errors = tuple(self._errors)
        status = self._status
        if status is None:
            return Agent(
                windows=len(self.windows),
                budget_percent=self.hello.overhead_budget_percent,
                bad_lines=bad_lines,
                errors=errors,
            )
        run_ns = status.run_ns or status.elapsed_ns
        return Agent(
            windows=max(status.windows, *self.windows.numbers, 0),
            paused=status.paused,
            budget_percent=status.budget_percent,
            overhead_percent=status.overhead_percent if status.elapsed_ns else None,
            hooks_percent=_percent(status.hooks_ns, run_ns),
            windows_percent=_percent(status.windows_ns, run_ns),
            writer_percent=_percent(status.writer_ns, run_ns),
            dropped_events=status.dropped_events,
            bad_lines=bad_lines,
            errors=errors,
        )

    def on_progress(self, event: protocol.Progress) -> None:
        self.progress = Progress(event.batches, event.forwards, event.backwards, event.optimizer_steps)

    def on_steps(self, event: protocol.Steps) -> int:
        end_unix_ns = self.steps.add(event)
        self.windows.settle()
        if self.first_step_unix_ns is None and event.rows:
            self.first_step_unix_ns = int(event.rows[0][0])
        return end_unix_ns

    def on_status(self, event: protocol.Status) -> None:
        self._status = event

    def on_optimization(self, event: protocol.Optimization) -> None:
        self._optimizations[event.name] = Optimization(event.name, event.state, event.text)

    def on_error(self, event: protocol.AgentError) -> None:
        self._errors.append(f"{event.where}: {event.text}")

    def on_bye(self, event: protocol.Bye) -> None:
        self.bye = event


def choose_primary(processes: list[Process]) -> Process | None:
    """The process to show: of those with steps the lowest rank, else the first to step; else the newest."""
    stepping = [process for process in processes if process.first_step_unix_ns is not None]
    if not stepping:
        return max(processes, key=lambda process: process.hello.unix_ns, default=None)
    return min(stepping, key=_primary_order)


def _primary_order(process: Process) -> tuple[bool, int, int]:
    rank = process.hello.rank
    return rank is None, rank or 0, process.first_step_unix_ns or 0


def _percent(part_ns: int, whole_ns: int) -> float | None:
    return 100 * part_ns / whole_ns if whole_ns else None
