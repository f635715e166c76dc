"""The current state of a session: events in, one frozen view out."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

from profilednn_tui.onednn.roofline import Peaks
from profilednn_tui.protocol.events import (
    AffinityEvent,
    AgentErrorEvent,
    AllocationsEvent,
    AttachedEvent,
    ByeEvent,
    CommunicationEvent,
    ConditionsEvent,
    CoresEvent,
    DistributedEvent,
    ExitEvent,
    FirstInputsEvent,
    GradientNoiseEvent,
    GroupEvent,
    HelloEvent,
    InputSizesEvent,
    LearningEvent,
    LoadersEvent,
    MachineEvent,
    MemoryAccountEvent,
    MemoryEvent,
    NoticeEvent,
    OpenMPEvent,
    OptimizationEvent,
    ParametersEvent,
    PrimitivesEvent,
    ProcessEndEvent,
    ProgressEvent,
    PssEvent,
    StacksEvent,
    StatusEvent,
    StepsEvent,
    StepSourceEvent,
    ThreadsEvent,
    TotalEvent,
    WindowEvent,
    WorkersEvent,
)
from profilednn_tui.session.keys import ALL_RANKS, machine_of, pid_of, process_key
from profilednn_tui.session.model.memory_account import workers_pss
from profilednn_tui.session.model.merged_windows import MergedWindows
from profilednn_tui.session.model.part import Part
from profilednn_tui.session.model.process import LEFT, Process, choose_primary, lives
from profilednn_tui.session.model.windows import WindowSeries
from profilednn_tui.session.storage.peaks import PeaksKey
from profilednn_tui.session.view import (
    EMPTY_VIEW,
    Agent,
    Notice,
    Primitives,
    ProcessEntry,
    Progress,
    RankRecord,
    Remaining,
    SessionView,
    State,
    Steps,
    Target,
)

KEPT_NOTICES = 100
_RUNNING = (None, State.EXCERPT)
"""Ends of parts whose processes may still be running."""


class Session:
    """Uses no files and no clock: the caller supplies the events and says whether more may come."""

    def __init__(
        self, parts: Sequence[Part], known_peaks: Callable[[PeaksKey], Peaks | None] = lambda key: None
    ) -> None:
        """`parts` has one for each machine. `known_peaks` returns the peaks that were measured under given
        conditions."""
        self._parts = tuple(parts)
        self._processes: dict[int, Process] = {}
        """By key."""
        self._earlier: list[Process] = []
        """Processes that trained and then called exec, so that their key now belongs to another one."""
        self._selected: int | None = None
        self._merged = MergedWindows()
        self._known_peaks = known_peaks
        self._peaks: tuple[PeaksKey, Peaks | None] | None = None
        """Those looked up last."""
        self._notices: dict[tuple[int, str], Notice] = {}
        self._bad_lines = 0
        self._unix_ns = max(part.started.start_unix_ns for part in self._parts)
        self._view: tuple[int | None, SessionView] | None = None
        self._handlers: dict[type[Any], Callable[[int, Any], int | None]] = {
            HelloEvent: self._on_hello,
            DistributedEvent: lambda key, event: self._process(key).on_distributed(event),
            ProgressEvent: lambda key, event: self._process(key).on_progress(event),
            StepSourceEvent: lambda key, event: self._process(key).steps.set_source(event),
            StepsEvent: lambda key, event: self._process(key).on_steps(event),
            InputSizesEvent: lambda key, event: self._process(key).steps.set_input_sizes(event),
            WindowEvent: self._on_window,
            PrimitivesEvent: self._on_primitives,
            ConditionsEvent: lambda key, event: self._process(key).conditions.add(event),
            FirstInputsEvent: lambda key, event: self._process(key).on_first_inputs(event),
            ParametersEvent: lambda key, event: self._process(key).learning.add_parameters(event),
            GradientNoiseEvent: lambda key, event: self._process(key).gradient_noise.add(event),
            LearningEvent: lambda key, event: self._process(key).learning.add_update(event),
            GroupEvent: lambda key, event: self._process(key).communication.add_group(event),
            CommunicationEvent: lambda key, event: self._process(key).communication.add(event),
            LoadersEvent: lambda key, event: self._process(key).on_loaders(event),
            MemoryAccountEvent: self._on_memory_account,
            AllocationsEvent: lambda key, event: self._process(key).on_allocations(event),
            TotalEvent: lambda key, event: self._process(key).on_total(event),
            StatusEvent: lambda key, event: self._process(key).on_status(event),
            AgentErrorEvent: lambda key, event: self._process(key).on_error(event),
            OptimizationEvent: lambda key, event: self._process(key).on_optimization(event),
            ByeEvent: self._on_bye,
            AttachedEvent: self._on_attached,
            NoticeEvent: self._on_notice,
            StacksEvent: lambda key, event: self._part(key).on_stacks(event),
            MachineEvent: lambda key, event: self._part(key).on_machine(event),
            CoresEvent: lambda key, event: self._part(key).cores.add(event),
            MemoryEvent: lambda key, event: self._part(key).memory.add(event),
            ThreadsEvent: lambda key, event: self._part(key).on_threads(event),
            WorkersEvent: lambda key, event: self._part(key).on_workers(event),
            PssEvent: lambda key, event: self._part(key).on_pss(event),
            OpenMPEvent: lambda key, event: self._part(key).on_openmp(event),
            AffinityEvent: self._on_affinity,
            ProcessEndEvent: self._on_process_end,
            ExitEvent: lambda key, event: self._part(key).on_exit(event),
        }

    def apply(self, key: int, event: Any) -> None:
        """Apply one event of a process, or of a host; a `ValueError` or `TypeError` if it is invalid."""
        handler = self._handlers.get(type(event))
        if handler is None:
            return
        end_unix_ns = handler(key, event) or int(getattr(event, "unix_ns", 0))
        self._unix_ns = max(self._unix_ns, end_unix_ns)
        speaker = self._processes.get(key)
        if speaker is not None:
            speaker.newest_unix_ns = max(speaker.newest_unix_ns, end_unix_ns)
        self._view = None

    def add_bad_lines(self, count: int) -> None:
        self._bad_lines += count
        self._view = None

    def set_gone(self, machine: int, gone: bool) -> None:
        """Set whether the target, and every process that could report its end, have vanished from a machine."""
        part = self._parts[machine]
        if gone != part.gone:
            part.gone = gone
            self._view = None

    def select_process(self, key: int) -> None:
        """Show this process from now on; with `ALL_RANKS`, the first rank with the operators of all."""
        if key in self._processes or key == ALL_RANKS:
            self._selected = key
            self._view = None

    def exited(self, machine: int) -> bool:
        """Whether it is known how the target ended on a machine."""
        return self._parts[machine].exit is not None

    @property
    def running_agents(self) -> tuple[int, ...]:
        """The keys of processes that can be sent commands."""
        return tuple(key for key, process in self._processes.items() if not process.has_ended)

    @property
    def live(self) -> bool:
        """Whether more events may come."""
        return self._goes_on(self._overs(self._shown()))

    def hellos(self, machine: int) -> tuple[HelloEvent, ...]:
        """How the processes of a machine introduced themselves."""
        return tuple(process.hello for process in self._on(machine))

    @property
    def shown_machine(self) -> int:
        """The number of the machine whose figures are shown."""
        return _machine(self._shown())

    @property
    def shown_process(self) -> Process | None:
        """The training process that is shown; None if there is none."""
        return self._shown()

    def others(self) -> tuple[Process, ...]:
        """The other processes of the newest life that train, ranks in their order."""
        shown = self._shown()
        ranks = self._newest_ranks(lives((*self._earlier, *self._processes.values())))
        everyone = ranks or tuple(process for process in self._processes.values() if process.trained)
        return tuple(process for process in everyone if process is not shown)

    @property
    def source_files(self) -> frozenset[str]:
        """All files named in call stacks."""
        return frozenset[str]().union(*(process.windows.source_files for process in self._processes.values()))

    @property
    def trouble(self) -> SessionView:
        """A view of nothing but the notices, and how many lines could not be read."""
        notices = tuple(dict.fromkeys(self._notices.values()))
        return SessionView(agent=Agent(bad_lines=self._bad_lines), notices=notices)

    def view(self, window: int | None = None) -> SessionView:
        """The current view; with `window`, its operators are those of that window alone."""
        if self._view is None or self._view[0] != window:
            self._view = window, self._build(window)
        return self._view[1]

    def _build(self, window: int | None) -> SessionView:
        shown = self._shown()
        part = self._parts[_machine(shown)]
        overs = self._overs(shown)
        live = self._goes_on(overs)
        ages = lives((*self._earlier, *self._processes.values()))
        windows = shown.windows if shown else WindowSeries()
        newest = self._newest_ranks(ages)
        merged = newest if self._selected == ALL_RANKS and window is None else ()
        operators = (
            self._merged.view({process.key: process.windows for process in merged}) if merged else windows.view(window)
        )
        steps = shown.steps.view() if shown else Steps()
        return SessionView(
            state=self._state(shown, overs),
            live=live,
            target=self._target(shown, part, live, ages[shown] if shown else 1),
            machine=part.machine,
            peaks=self._peaks_of(shown, part),
            progress=shown.progress if shown else Progress(),
            steps=steps,
            remaining=self._remaining(shown, part, overs[_machine(shown)]),
            epoch_starts=shown.epoch_starts if shown else (),
            phases=shown.steps.phases() if shown else (),
            operators=operators,
            merged_ranks=len(merged),
            primitives=shown.primitives.view(operators.windows) if shown else Primitives(),
            window_numbers=windows.numbers,
            cores=part.cores.view(ended=not live),
            threads=part.threads,
            thread_count=part.thread_count,
            openmp_runtimes=part.openmp_runtimes,
            workers=part.workers,
            loaders=shown.loaders if shown else (),
            stacks=part.stacks,
            memory=part.memory.view(steps.end_unix_ns),
            memory_account=shown.memory.view(workers_pss(part.pss, shown.hello.pid)) if shown else None,
            allocations=shown.allocations if shown else None,
            agent=shown.agent(self._bad_lines) if shown else Agent(bad_lines=self._bad_lines),
            notices=tuple(dict.fromkeys(self._notices.values())),
            first_inputs=shown.first_inputs if shown else None,
            conditions=shown.conditions.view() if shown else None,
            learning=shown.learning.view() if shown else (),
            gradient_noise=shown.gradient_noise.view() if shown else (),
            optimizations=shown.optimizations if shown else (),
            processes=self._entries(ages, shown, overs),
            ranks=self._ranks(newest, overs),
            awaits_input=live and part.awaits_input,
            unix_ns=self._unix_ns,
        )

    def _remaining(self, shown: Process | None, part: Part, over: State | None) -> Remaining:
        if over not in _RUNNING:
            return Remaining(reason="the training has ended")
        if shown is None:
            return Remaining(reason="there is no training process yet")
        return shown.remaining(self._unix_ns, part.started.epochs)

    def _peaks_of(self, shown: Process | None, part: Part) -> Peaks | None:
        """The peaks of the target's cores with its threads; None if they were not measured."""
        if shown is None or not part.machine.cpu:
            return None
        key = PeaksKey(part.machine.cpu, part.allowed_cores, shown.intra_op_threads)
        if self._peaks is None or self._peaks[0] != key:
            self._peaks = key, self._known_peaks(key)
        return self._peaks[1]

    def _entries(
        self, ages: dict[Process, int], shown: Process | None, overs: Sequence[State | None]
    ) -> tuple[ProcessEntry, ...]:
        """Those that called exec first, then all others in the order of their hello events."""
        newest = max((life for process, life in ages.items() if process.hello.rank is not None), default=1)

        def ended(process: Process) -> bool:
            replaced = process in self._earlier or (process.hello.rank is not None and ages[process] < newest)
            return overs[machine_of(process.key)] not in _RUNNING or replaced

        everyone = (*self._earlier, *self._processes.values())
        exits = [part.exit for part in self._parts]
        overs_unix_ns = [None if exit is None else exit.unix_ns for exit in exits]
        return tuple(
            process.entry(ended(process), ages[process], process is shown, overs_unix_ns[machine_of(process.key)])
            for process in everyone
        )

    @staticmethod
    def _newest_ranks(ages: dict[Process, int]) -> tuple[Process, ...]:
        """The ranks that train in the newest life, in their order."""
        trained = {
            process: life for process, life in ages.items() if process.trained and process.hello.rank is not None
        }
        newest = max(trained.values(), default=1)
        ranks = {process.hello.rank or 0: process for process, life in trained.items() if life == newest}
        return tuple(ranks[rank] for rank in sorted(ranks))

    @staticmethod
    def _ranks(newest: Sequence[Process], overs: Sequence[State | None]) -> tuple[RankRecord, ...]:
        records = (process.rank_record(overs[machine_of(process.key)] not in _RUNNING) for process in newest)
        return tuple(record for record in records if record is not None)

    def _shown(self) -> Process | None:
        if self._selected is not None and self._selected != ALL_RANKS:
            return self._processes[self._selected]
        return choose_primary(list(self._processes.values()))

    @property
    def state(self) -> State:
        shown = self._shown()
        return self._state(shown, self._overs(shown))

    def _state(self, shown: Process | None, overs: Sequence[State | None]) -> State:
        if None not in overs:
            return next(state for state in (State.LOST, State.EXCERPT, State.ENDED) if state in overs)
        if shown is None:
            return State.OUTSIDE if any(part.kept_out for part in self._parts) else State.STARTING
        if not shown.steps.count:
            return State.WAITING
        return State.RUNNING if len(shown.windows) else State.WARMING

    def _on(self, machine: int) -> list[Process]:
        return [process for key, process in self._processes.items() if machine_of(key) == machine]

    def _goes_on(self, overs: Sequence[State | None]) -> bool:
        return any(part.live and over is None for part, over in zip(self._parts, overs, strict=True))

    def _overs(self, shown: Process | None) -> list[State | None]:
        """How each part has ended; None for those that go on."""
        return [
            part.over(self._on(machine), bool(shown and shown.detached and machine_of(shown.key) == machine))
            for machine, part in enumerate(self._parts)
        ]

    def _exit_code(self) -> int | None:
        """The first one that is not 0; None as long as all that are known are 0, and others are not known."""
        codes = [part.exit.exit_code for part in self._parts if part.exit]
        return next((code for code in codes if code), 0 if len(codes) == len(self._parts) else None)

    def _target(self, shown: Process | None, part: Part, live: bool, life: int) -> Target:
        started = part.started
        hello = shown.hello if shown else None
        argv = tuple(started.argv or (hello.argv if hello else ()))
        bye = shown.bye if shown else None
        end = part.exit or bye or part.bye
        return Target(
            name=started.name or next((os.path.basename(part) for part in argv), EMPTY_VIEW.target.name),
            argv=argv,
            working_directory=hello.working_directory if hello else started.working_directory,
            python=hello.python if hello else None,
            torch=hello.torch if hello else None,
            pid=hello.pid if hello else None,
            rank=hello.rank if hello else None,
            world_size=hello.world_size if hello else None,
            life=life,
            intra_op_threads=shown.intra_op_threads if shown else None,
            exit_code=self._exit_code(),
            optimizations=tuple(hello.optimizations if hello else started.optimizations),
            script_sha256=started.script_sha256,
            start_unix_ns=started.start_unix_ns or (hello.unix_ns if hello else 0),
            end_unix_ns=None if live else (end.unix_ns if end else self._unix_ns),
            attached=started.attached,
            detached=not live and any(said and said.reason in LEFT for said in (bye, part.bye)),
        )

    def _process(self, key: int) -> Process:
        process = self._processes.get(key)
        if process is None:
            raise ValueError(f"process {pid_of(key)} has sent no hello")
        return process

    def _part(self, key: int) -> Part:
        return self._parts[machine_of(key)]

    def _on_hello(self, key: int, event: HelloEvent) -> None:
        # A second hello from the same process: it has called exec, and its counts start over.
        earlier = self._processes.get(key)
        if earlier is not None and earlier.trained:
            self._earlier.append(earlier)
            earlier.gone = None
        process = self._processes[key] = Process(event, key)
        part = self._part(key)
        process.cpus, process.gone = part.cpus.get(pid_of(key), ()), part.ends.get(pid_of(key))

    def _on_window(self, key: int, event: WindowEvent) -> int:
        self._process(key).windows.add(event)
        return event.end_unix_ns

    def _on_memory_account(self, key: int, event: MemoryAccountEvent) -> None:
        process = self._process(key)
        process.memory.add(event, workers_pss(self._part(key).pss, process.hello.pid))

    def _on_primitives(self, key: int, event: PrimitivesEvent) -> int:
        self._process(key).primitives.add(event)
        return event.end_unix_ns

    def _on_notice(self, key: int, event: NoticeEvent) -> None:
        self._notice(key, Notice(event.level, event.code, event.text))

    def _on_bye(self, key: int, event: ByeEvent) -> None:
        if pid_of(key):
            self._process(key).on_bye(event)
        else:
            self._part(key).on_bye(event)

    def _on_attached(self, key: int, event: AttachedEvent) -> None:
        self._notice(key, self._part(key).on_attached(event))

    def _notice(self, key: int, notice: Notice) -> None:
        host = self._part(key).started.host
        if len(self._parts) > 1 and host:
            notice = replace(notice, text=f"{host}: {notice.text}")
        self._notices.pop((key, notice.code), None)
        self._notices[key, notice.code] = notice
        if len(self._notices) > KEPT_NOTICES:
            del self._notices[next(iter(self._notices))]

    def _on_affinity(self, key: int, event: AffinityEvent) -> None:
        self._part(key).on_affinity(event)
        process = self._processes.get(process_key(machine_of(key), event.pid))
        if process is not None:
            process.cpus = tuple(event.cpus)

    def _on_process_end(self, key: int, event: ProcessEndEvent) -> None:
        self._part(key).on_process_end(event)
        process = self._processes.get(process_key(machine_of(key), event.pid))
        if process is not None:
            process.gone = event


def _machine(shown: Process | None) -> int:
    """The number of the machine that a process runs on; the first one if there is none."""
    return machine_of(shown.key) if shown else 0
