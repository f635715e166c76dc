"""The state of one training process, from the events of its agent."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from dataclasses import replace

from profilednn_tui.protocol.events import (
    AgentErrorEvent,
    ByeEvent,
    DistributedEvent,
    FirstInputsEvent,
    HelloEvent,
    LoadersEvent,
    OptimizationEvent,
    ProgressEvent,
    StatusEvent,
    StepsEvent,
)
from profilednn_tui.protocol.vocabulary import ASKED, DETACH, UNREAD
from profilednn_tui.session.model.communication import CommunicationSeries
from profilednn_tui.session.model.conditions import ConditionSeries
from profilednn_tui.session.model.gradient_noise import GradientNoiseSeries
from profilednn_tui.session.model.learning import LearningSeries
from profilednn_tui.session.model.primitives import PrimitiveSeries
from profilednn_tui.session.model.steps import StepSeries
from profilednn_tui.session.model.windows import WindowSeries
from profilednn_tui.session.view import (
    Agent,
    FirstInputs,
    Frame,
    Loader,
    Optimization,
    ProcessEntry,
    Progress,
    RankRecord,
)

KEPT_ERRORS = 50
LEFT = frozenset({DETACH, UNREAD})
"""Reasons of a `ByeEvent` after which the process may continue without an agent."""


class Process:
    """One process of the target that has an agent; bounded."""

    def __init__(self, hello: HelloEvent) -> None:
        self.hello = hello
        self.newest_unix_ns = hello.unix_ns
        """Time of its newest event."""
        self.progress = Progress()
        self.first_inputs: FirstInputs | None = None
        self.conditions = ConditionSeries()
        self.learning = LearningSeries()
        self.gradient_noise = GradientNoiseSeries()
        self.loaders: tuple[Loader, ...] = ()
        self.steps = StepSeries()
        self.windows = WindowSeries(self.steps)
        self.primitives = PrimitiveSeries()
        self.communication = CommunicationSeries()
        self.bye: ByeEvent | None = None
        self.first_step_unix_ns: int | None = None
        self._status: StatusEvent | None = None
        self._errors: deque[str] = deque(maxlen=KEPT_ERRORS)
        self._optimizations = {name: Optimization(name, ASKED, "") for name in hello.optimizations}

    @property
    def detached(self) -> bool:
        return self.bye is not None and self.bye.reason in LEFT

    @property
    def optimizations(self) -> tuple[Optimization, ...]:
        return tuple(self._optimizations.values())

    @property
    def intra_op_threads(self) -> int:
        """The newest known number; the program may have changed it after the start."""
        return self.conditions.intra_op_threads or self.hello.intra_op_threads

    @property
    def trained(self) -> bool:
        return self.first_step_unix_ns is not None

    def entry(self, ended: bool, life: int, shown: bool) -> ProcessEntry:
        hello = self.hello
        return ProcessEntry(
            pid=hello.pid,
            rank=hello.rank,
            argv=tuple(hello.argv),
            steps=self.steps.count,
            ended=ended or self.bye is not None,
            median_ns=self.steps.view().median_ns,
            life=life,
            shown=shown,
            optimizations=self.optimizations,
        )

    def rank_record(self, ended: bool) -> RankRecord | None:
        """As a rank among others; None if it is none."""
        hello = self.hello
        ended = ended or self.bye is not None
        return self.communication.record(hello.rank, hello.pid, self.intra_op_threads, ended, self.steps, self.windows)

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

    def on_distributed(self, event: DistributedEvent) -> None:
        self.hello = replace(self.hello, rank=event.rank, world_size=event.world_size)

    def on_first_inputs(self, event: FirstInputsEvent) -> None:
        if self.first_inputs is None:
            self.first_inputs = FirstInputs(event.generator_crc32, event.inputs_crc32, event.seed)

    def on_progress(self, event: ProgressEvent) -> None:
        self.progress = Progress(
            event.batches, event.forwards, event.backwards, event.optimizer_steps, event.inferences
        )

    def on_steps(self, event: StepsEvent) -> int:
        end_unix_ns = self.steps.add(event)
        self.windows.settle()
        if self.first_step_unix_ns is None and event.rows:
            self.first_step_unix_ns = int(event.rows[0][0])
        return end_unix_ns

    def on_status(self, event: StatusEvent) -> None:
        self._status = event

    def on_loaders(self, event: LoadersEvent) -> None:
        self.loaders = tuple(_loader(*row) for row in event.rows)

    def on_optimization(self, event: OptimizationEvent) -> None:
        self._optimizations[event.name] = Optimization(event.name, event.state, event.text)

    def on_error(self, event: AgentErrorEvent) -> None:
        self._errors.append(f"{event.where}: {event.text}")

    def on_bye(self, event: ByeEvent) -> None:
        self.bye = event


def lives(processes: Iterable[Process]) -> dict[Process, int]:
    """Number the lives: processes that trained one after the other as the same rank, or under the same pid.

    A child inherits its parent's rank through the environment; it is another process, not a later life.
    """
    found: dict[Process, int] = {}
    alike: dict[tuple[str, int], list[Process]] = {}
    for process in sorted(processes, key=lambda one: one.hello.unix_ns):
        found[process] = 1
        if not process.trained:
            continue
        names = [("pid", process.hello.pid)]
        if process.hello.rank is not None:
            names.append(("rank", process.hello.rank))
        for name in names:
            others = alike.setdefault(name, [])
            found[process] = max([found[process], *(found[one] + 1 for one in others if _follows(process, one))])
            others.append(process)
    return found


def choose_primary(processes: list[Process]) -> Process | None:
    """The process to show: of those with steps, the lowest rank in its newest life, or the first to step if none has a
    rank; without steps, the newest."""
    stepping = {process: life for process, life in lives(processes).items() if process.trained}
    if not stepping:
        return max(processes, key=lambda process: process.hello.unix_ns, default=None)

    def order(process: Process) -> tuple[bool, int, int, int]:
        rank = process.hello.rank
        return rank is None, rank or 0, -stepping[process], process.first_step_unix_ns or 0

    return min(stepping, key=order)


def _follows(later: Process, earlier: Process) -> bool:
    """Whether one of two processes of the same rank or pid is a later life of the other."""
    return earlier.newest_unix_ns <= later.hello.unix_ns and later.hello.parent_pid != earlier.hello.pid


def _loader(
    dataset: str,
    iterable: int,
    workers: int,
    prefetch_factor: int,
    persistent: int,
    batch_size: int,
    iterators: int,
    starts: int,
    batches: int,
    start_ns: int,
    first_ns: int,
    end_ns: int,
    wait_ns: int,
    file: str,
    line: int,
) -> Loader:
    return Loader(
        dataset,
        bool(iterable),
        workers,
        prefetch_factor if prefetch_factor >= 0 else None,
        bool(persistent),
        batch_size if batch_size >= 0 else None,
        iterators,
        starts,
        batches,
        start_ns,
        first_ns,
        end_ns,
        wait_ns,
        Frame(file, line, "") if file else None,
    )


def _percent(part_ns: int, whole_ns: int) -> float | None:
    return 100 * part_ns / whole_ns if whole_ns else None
