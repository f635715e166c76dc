"""The state of one training process, from the events of its agent."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from dataclasses import replace

from profilednn_tui.protocol.events import (
    AgentErrorEvent,
    AllocationsEvent,
    ByeEvent,
    DistributedEvent,
    FirstInputsEvent,
    HelloEvent,
    LoadersEvent,
    OptimizationEvent,
    ProcessEndEvent,
    ProgressEvent,
    StatusEvent,
    StepsEvent,
    TotalEvent,
)
from profilednn_tui.protocol.vocabulary import ASKED, DETACH, EXIT, UNREAD
from profilednn_tui.session.keys import machine_of, process_key
from profilednn_tui.session.model.communication import CommunicationSeries
from profilednn_tui.session.model.conditions import ConditionSeries
from profilednn_tui.session.model.gradient_noise import GradientNoiseSeries
from profilednn_tui.session.model.learning import LearningSeries
from profilednn_tui.session.model.memory_account import MemoryAccountSeries, allocations_of
from profilednn_tui.session.model.primitives import PrimitiveSeries
from profilednn_tui.session.model.remaining import RemainingSeries
from profilednn_tui.session.model.steps import StepSeries
from profilednn_tui.session.model.windows import WindowSeries
from profilednn_tui.session.view import (
    Agent,
    FirstInputs,
    Frame,
    Loader,
    Optimization,
    ProcessEnd,
    ProcessEntry,
    Progress,
    RankRecord,
    Remaining,
    StepAllocations,
)

KEPT_ERRORS = 50
LEFT = frozenset({DETACH, UNREAD})
"""Reasons of a `ByeEvent` after which the process may continue without an agent."""


class Process:
    """One process of the target that has an agent; bounded."""

    def __init__(self, hello: HelloEvent, key: int) -> None:
        self.hello = hello
        self.key = key
        """Its name in the session."""
        self.asked_size = hello.world_size
        """By the launcher; that of a process group replaces the one in `hello`."""
        self.cpus: tuple[int, ...] = ()
        self.gone: ProcessEndEvent | None = None
        self.newest_unix_ns = hello.unix_ns
        """Time of its newest event."""
        self.progress = Progress()
        self.first_inputs: FirstInputs | None = None
        self.conditions = ConditionSeries()
        self.learning = LearningSeries()
        self.gradient_noise = GradientNoiseSeries()
        self.memory = MemoryAccountSeries()
        self.allocations: StepAllocations | None = None
        self.loaders: tuple[Loader, ...] = ()
        self.steps = StepSeries()
        self.windows = WindowSeries(self.steps)
        self.primitives = PrimitiveSeries()
        self.communication = CommunicationSeries()
        self._remaining = RemainingSeries()
        self.bye: ByeEvent | None = None
        self.first_step_unix_ns: int | None = None
        self._status: StatusEvent | None = None
        self._errors: deque[str] = deque(maxlen=KEPT_ERRORS)
        self._optimizations = {name: Optimization(name, ASKED, "") for name in hello.optimizations}

    @property
    def detached(self) -> bool:
        return self.bye is not None and self.bye.reason in LEFT

    @property
    def has_ended(self) -> bool:
        """Whether it has ended, or has no agent any more."""
        return self.bye is not None or self.gone is not None

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

    def entry(self, ended: bool, life: int, shown: bool, over_unix_ns: int | None) -> ProcessEntry:
        """`over_unix_ns`: when the target's first process ended; None while it runs, and if that is not known."""
        hello = self.hello
        return ProcessEntry(
            key=self.key,
            pid=hello.pid,
            rank=hello.rank,
            argv=tuple(hello.argv),
            steps=self.steps.count,
            ended=ended or self.has_ended,
            median_ns=self.steps.view().median_ns,
            life=life,
            shown=shown,
            optimizations=self.optimizations,
            world_size=hello.world_size,
            asked_size=self.asked_size,
            intra_op_threads=self.intra_op_threads,
            restarts=hello.restarts,
            omp_num_threads=hello.omp_num_threads,
            cpus=self.cpus,
            exchange=self.communication.exchange(),
            inputs=self.conditions.inputs,
            end=self._end(over_unix_ns),
        )

    def _end(self, over_unix_ns: int | None) -> ProcessEnd | None:
        """How it ended; None while it runs, and if that is not known."""
        bye, gone = self.bye, self.gone
        seen_code = gone.exit_code if gone is not None else None
        if bye is not None and bye.reason == EXIT:
            source = Frame(bye.file, bye.line, "") if bye.file else None
            code = bye.exit_code if seen_code is None else seen_code
            return ProcessEnd(bye.unix_ns, bye.unix_ns, bye.error, source, code)
        if gone is None:
            # One that the host never saw has come and gone between two samples.
            unseen = bye is None and over_unix_ns is not None and not self.cpus
            return ProcessEnd(over_unix_ns or 0, self.newest_unix_ns, said_bye=False) if unseen else None
        alive_unix_ns = min(gone.unix_ns, max(gone.alive_unix_ns, self.newest_unix_ns))
        return ProcessEnd(gone.unix_ns, alive_unix_ns, exit_code=seen_code, said_bye=bye is not None)

    def rank_record(self, ended: bool) -> RankRecord | None:
        """As a rank among others; None if it is none."""
        hello = self.hello
        ended = ended or self.has_ended
        return self.communication.record(self.key, hello, self.intra_op_threads, ended, self.steps, self.windows)

    def remaining(self, now_unix_ns: int, epochs: int | None) -> Remaining:
        """How long it will still train, with the number of epochs that the user has named, if any."""
        status = self._status
        budget = status.budget_percent if status is not None else self.hello.overhead_budget_percent
        return self._remaining.view(now_unix_ns, budget, epochs)

    @property
    def epoch_starts(self) -> tuple[int, ...]:
        """The steps that are known to begin an epoch."""
        return self._remaining.epoch_starts

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
        self._remaining.add_steps(event)
        self.windows.settle()
        if self.first_step_unix_ns is None and event.rows:
            self.first_step_unix_ns = int(event.rows[0][0])
        return end_unix_ns

    def on_total(self, event: TotalEvent) -> None:
        self._remaining.add_total(event)

    def on_status(self, event: StatusEvent) -> None:
        self._status = event

    def on_loaders(self, event: LoadersEvent) -> None:
        self.loaders = tuple(_loader(*row) for row in event.rows)

    def on_allocations(self, event: AllocationsEvent) -> None:
        self.allocations = allocations_of(event)

    def on_optimization(self, event: OptimizationEvent) -> None:
        self._optimizations[event.name] = Optimization(event.name, event.state, event.text)

    def on_error(self, event: AgentErrorEvent) -> None:
        self._errors.append(f"{event.where}: {event.text}")

    def on_bye(self, event: ByeEvent) -> None:
        self.bye = event


def lives(processes: Iterable[Process]) -> dict[Process, int]:
    """Number the lives: processes that trained one after the other as the same rank, or under the same pid.

    Ranks that train at the same time are in the same life, even if fewer or more of them came back. A child inherits
    its parent's rank through the environment; it is another process, not a later life.
    """
    found: dict[Process, int] = {}
    alike: dict[tuple[str, int], list[Process]] = {}
    for process in sorted(processes, key=lambda one: one.hello.unix_ns):
        restarts = process.hello.restarts if process.hello.rank is not None else None
        found[process] = 1 + (restarts or 0)
        if not process.trained:
            continue
        names = [("key", process.key)]
        if process.hello.rank is not None:
            names.append(("rank", process.hello.rank))
        for name in names:
            others = alike.setdefault(name, [])
            found[process] = max([found[process], *(found[one] + 1 for one in others if _follows(process, one))])
            others.append(process)
    ranks = [process for process in found if process.trained and process.hello.rank is not None]
    if len({found[process] for process in ranks}) > 1:
        found |= {process: max(found[one] for one in ranks if _together(process, one)) for process in ranks}
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
    child = process_key(machine_of(later.key), later.hello.parent_pid) == earlier.key
    return _precedes(earlier, later) and not child


def _precedes(earlier: Process, later: Process) -> bool:
    return earlier.newest_unix_ns <= later.hello.unix_ns


def _together(one: Process, other: Process) -> bool:
    """Whether two processes ran at the same time."""
    return one is other or not (_precedes(one, other) or _precedes(other, one))


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
