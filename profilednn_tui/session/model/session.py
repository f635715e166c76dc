"""The current state of a session: events in, one frozen view out."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

from profilednn_tui import units
from profilednn_tui.onednn.roofline import Peaks
from profilednn_tui.protocol.events import (
    AgentErrorEvent,
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
    MemoryEvent,
    NoticeEvent,
    OpenMPEvent,
    OptimizationEvent,
    ParametersEvent,
    PrimitivesEvent,
    ProgressEvent,
    StacksEvent,
    StatusEvent,
    StepsEvent,
    StepSourceEvent,
    ThreadsEvent,
    WindowEvent,
    WorkersEvent,
)
from profilednn_tui.protocol.vocabulary import INFO, WARNING
from profilednn_tui.session.model.cores import CoreSeries
from profilednn_tui.session.model.memory import MemorySeries
from profilednn_tui.session.model.process import LEFT, Process, choose_primary, lives
from profilednn_tui.session.model.thread_stacks import stacks_of
from profilednn_tui.session.model.windows import WindowSeries
from profilednn_tui.session.storage.folder import SessionFile
from profilednn_tui.session.storage.peaks import PeaksKey
from profilednn_tui.session.view import (
    EMPTY_VIEW,
    Agent,
    Machine,
    Notice,
    Primitives,
    ProcessEntry,
    Progress,
    RankRecord,
    SessionView,
    Stacks,
    State,
    Steps,
    Target,
    Thread,
    Worker,
)

KEPT_NOTICES = 100


class Session:
    """Uses no files and no clock: the caller supplies the events and says whether more may come."""

    def __init__(
        self,
        started: SessionFile,
        live: bool = False,
        excerpt: bool = False,
        known_peaks: Callable[[PeaksKey], Peaks | None] = lambda key: None,
    ) -> None:
        """`excerpt`: the target was still running when the events were copied. `known_peaks` returns the peaks
        that were measured under given conditions."""
        self._started = started
        self._live = live
        self._excerpt = excerpt
        self._gone = False
        self._processes: dict[int, Process] = {}
        self._earlier: list[Process] = []
        """Processes that trained and then called exec, so that their pid now belongs to another one."""
        self._selected: int | None = None
        self._cores = CoreSeries()
        self._memory = MemorySeries()
        self._machine = Machine()
        self._known_peaks = known_peaks
        self._allowed_cores: tuple[int, ...] = ()
        self._peaks: tuple[PeaksKey, Peaks | None] | None = None
        """Those looked up last."""
        self._threads: tuple[Thread, ...] = ()
        self._thread_count: int | None = None
        self._awaits_input = False
        self._openmp_runtimes: tuple[str, ...] | None = None
        self._workers: tuple[Worker, ...] = ()
        self._notices: dict[tuple[int, str], Notice] = {}
        self._stacks = Stacks()
        self._attempts: dict[int, AttachedEvent] = {}
        self._host_bye: ByeEvent | None = None
        self._exit: ExitEvent | None = None
        self._bad_lines = 0
        self._unix_ns = started.start_unix_ns
        self._view: tuple[int | None, SessionView] | None = None
        self._handlers: dict[type[Any], Callable[[int, Any], int | None]] = {
            HelloEvent: self._on_hello,
            DistributedEvent: lambda pid, event: self._process(pid).on_distributed(event),
            ProgressEvent: lambda pid, event: self._process(pid).on_progress(event),
            StepSourceEvent: lambda pid, event: self._process(pid).steps.set_source(event),
            StepsEvent: lambda pid, event: self._process(pid).on_steps(event),
            InputSizesEvent: lambda pid, event: self._process(pid).steps.set_input_sizes(event),
            WindowEvent: self._on_window,
            PrimitivesEvent: self._on_primitives,
            ConditionsEvent: lambda pid, event: self._process(pid).conditions.add(event),
            FirstInputsEvent: lambda pid, event: self._process(pid).on_first_inputs(event),
            ParametersEvent: lambda pid, event: self._process(pid).learning.add_parameters(event),
            GradientNoiseEvent: lambda pid, event: self._process(pid).gradient_noise.add(event),
            LearningEvent: lambda pid, event: self._process(pid).learning.add_update(event),
            GroupEvent: lambda pid, event: self._process(pid).communication.add_group(event),
            CommunicationEvent: lambda pid, event: self._process(pid).communication.add(event),
            LoadersEvent: lambda pid, event: self._process(pid).on_loaders(event),
            StatusEvent: lambda pid, event: self._process(pid).on_status(event),
            AgentErrorEvent: lambda pid, event: self._process(pid).on_error(event),
            OptimizationEvent: lambda pid, event: self._process(pid).on_optimization(event),
            ByeEvent: self._on_bye,
            AttachedEvent: self._on_attached,
            StacksEvent: self._on_stacks,
            NoticeEvent: self._on_notice,
            MachineEvent: self._on_machine,
            CoresEvent: lambda pid, event: self._cores.add(event),
            MemoryEvent: lambda pid, event: self._memory.add(event),
            ThreadsEvent: self._on_threads,
            WorkersEvent: self._on_workers,
            OpenMPEvent: self._on_openmp,
            ExitEvent: self._on_exit,
        }

    def apply(self, writer_pid: int, event: Any) -> None:
        """Apply one event; a `ValueError` or `TypeError` if it is invalid."""
        handler = self._handlers.get(type(event))
        if handler is None:
            return
        end_unix_ns = handler(writer_pid, event) or int(getattr(event, "unix_ns", 0))
        self._unix_ns = max(self._unix_ns, end_unix_ns)
        speaker = self._processes.get(writer_pid)
        if speaker is not None:
            speaker.newest_unix_ns = max(speaker.newest_unix_ns, end_unix_ns)
        self._view = None

    def add_bad_lines(self, count: int) -> None:
        self._bad_lines += count
        self._view = None

    def set_gone(self, gone: bool) -> None:
        """Set whether the target, and every process that could report its end, have vanished."""
        if gone != self._gone:
            self._gone = gone
            self._view = None

    def select_process(self, pid: int) -> None:
        """Show this process from now on."""
        if pid in self._processes:
            self._selected = pid
            self._view = None

    @property
    def exited(self) -> bool:
        return self._exit is not None

    @property
    def running_agents(self) -> tuple[int, ...]:
        return tuple(pid for pid, process in self._processes.items() if process.bye is None)

    @property
    def hellos(self) -> tuple[HelloEvent, ...]:
        return tuple(process.hello for process in self._processes.values())

    @property
    def source_files(self) -> frozenset[str]:
        """All files named in call stacks."""
        return frozenset[str]().union(*(process.windows.source_files for process in self._processes.values()))

    def view(self, window: int | None = None) -> SessionView:
        """The current view; with `window`, its operators are those of that window alone."""
        if self._view is None or self._view[0] != window:
            self._view = window, self._build(window)
        return self._view[1]

    def _build(self, window: int | None) -> SessionView:
        shown = self._shown()
        state = self.state
        live = self._live and state not in (State.ENDED, State.LOST)
        running = live or state is State.EXCERPT
        ages = lives((*self._earlier, *self._processes.values()))
        windows = shown.windows if shown else WindowSeries()
        operators = windows.view(window)
        steps = shown.steps.view() if shown else Steps()
        return SessionView(
            state=state,
            live=live,
            target=self._target(shown, live, ages[shown] if shown else 1),
            machine=self._machine,
            peaks=self._peaks_of(shown),
            progress=shown.progress if shown else Progress(),
            steps=steps,
            phases=shown.steps.phases() if shown else (),
            operators=operators,
            primitives=shown.primitives.view(operators.windows) if shown else Primitives(),
            window_numbers=windows.numbers,
            cores=self._cores.view(ended=not live),
            threads=self._threads,
            thread_count=self._thread_count,
            openmp_runtimes=self._openmp_runtimes,
            workers=self._workers,
            loaders=shown.loaders if shown else (),
            stacks=self._stacks,
            memory=self._memory.view(steps.end_unix_ns),
            agent=shown.agent(self._bad_lines) if shown else Agent(bad_lines=self._bad_lines),
            notices=tuple(dict.fromkeys(self._notices.values())),
            first_inputs=shown.first_inputs if shown else None,
            conditions=shown.conditions.view() if shown else None,
            learning=shown.learning.view() if shown else (),
            gradient_noise=shown.gradient_noise.view() if shown else (),
            optimizations=shown.optimizations if shown else (),
            processes=self._entries(ages, shown, running),
            ranks=self._ranks(ages, running),
            awaits_input=live and self._awaits_input,
            unix_ns=self._unix_ns,
        )

    def _peaks_of(self, shown: Process | None) -> Peaks | None:
        """The peaks of the target's cores with its threads; None if they were not measured."""
        if shown is None or not self._machine.cpu:
            return None
        key = PeaksKey(self._machine.cpu, self._allowed_cores, shown.intra_op_threads)
        if self._peaks is None or self._peaks[0] != key:
            self._peaks = key, self._known_peaks(key)
        return self._peaks[1]

    def _entries(self, ages: dict[Process, int], shown: Process | None, running: bool) -> tuple[ProcessEntry, ...]:
        """Those that called exec first, then all others in the order of their hello events."""
        newest: dict[int, int] = {}
        for process, life in ages.items():
            if process.hello.rank is not None:
                newest[process.hello.rank] = max(life, newest.get(process.hello.rank, 1))

        def ended(process: Process) -> bool:
            rank = process.hello.rank
            replaced = process in self._earlier or (rank is not None and ages[process] < newest[rank])
            return not running or replaced

        everyone = (*self._earlier, *self._processes.values())
        return tuple(process.entry(ended(process), ages[process], process is shown) for process in everyone)

    def _ranks(self, ages: dict[Process, int], running: bool) -> tuple[RankRecord, ...]:
        """The newest life of each rank that trains."""
        newest: dict[int, Process] = {}
        for process, life in ages.items():
            rank = process.hello.rank
            if rank is not None and process.trained and (rank not in newest or life >= ages[newest[rank]]):
                newest[rank] = process
        records = (newest[rank].rank_record(not running) for rank in sorted(newest))
        return tuple(record for record in records if record is not None)

    def _shown(self) -> Process | None:
        if self._selected is not None:
            return self._processes[self._selected]
        return choose_primary(list(self._processes.values()))

    @property
    def state(self) -> State:
        shown = self._shown()
        said_bye = bool(self._processes) and all(process.bye for process in self._processes.values())
        if self._exit or self._host_bye or (shown and shown.detached):
            return State.ENDED
        if self._gone or not self._live:
            return State.ENDED if said_bye else State.EXCERPT if self._excerpt else State.LOST
        if shown is None:
            failed = self._attempts and not any(attempt.way for attempt in self._attempts.values())
            return State.OUTSIDE if failed else State.STARTING
        if not shown.steps.count:
            return State.WAITING
        return State.RUNNING if len(shown.windows) else State.WARMING

    def _target(self, shown: Process | None, live: bool, life: int) -> Target:
        started = self._started
        hello = shown.hello if shown else None
        argv = tuple(started.argv or (hello.argv if hello else ()))
        bye = shown.bye if shown else None
        end = self._exit or bye or self._host_bye
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
            exit_code=self._exit.exit_code if self._exit else None,
            optimizations=tuple(hello.optimizations if hello else started.optimizations),
            script_sha256=started.script_sha256,
            start_unix_ns=started.start_unix_ns or (hello.unix_ns if hello else 0),
            end_unix_ns=None if live else (end.unix_ns if end else self._unix_ns),
            attached=started.attached,
            detached=not live and any(said and said.reason in LEFT for said in (bye, self._host_bye)),
        )

    def _process(self, pid: int) -> Process:
        process = self._processes.get(pid)
        if process is None:
            raise ValueError(f"process {pid} has sent no hello")
        return process

    def _on_hello(self, pid: int, event: HelloEvent) -> None:
        # A second hello from the same process: it has called exec, and its counts start over.
        earlier = self._processes.get(pid)
        if earlier is not None and earlier.trained:
            self._earlier.append(earlier)
        self._processes[pid] = Process(event)

    def _on_window(self, pid: int, event: WindowEvent) -> int:
        self._process(pid).windows.add(event)
        return event.end_unix_ns

    def _on_primitives(self, pid: int, event: PrimitivesEvent) -> int:
        self._process(pid).primitives.add(event)
        return event.end_unix_ns

    def _on_notice(self, pid: int, event: NoticeEvent) -> None:
        self._notices.pop((pid, event.code), None)
        self._notices[pid, event.code] = Notice(event.level, event.code, event.text)
        if len(self._notices) > KEPT_NOTICES:
            del self._notices[next(iter(self._notices))]

    def _on_machine(self, _pid: int, event: MachineEvent) -> None:
        self._cores.set_affinity(event.affinity)
        self._allowed_cores = tuple(event.affinity)
        self._machine = Machine(
            cpu=event.cpu,
            cores=event.cores,
            physical_cores=event.physical_cores,
            affinity=len(event.affinity),
            quota=event.quota,
            memory_bytes=event.memory_bytes,
            numa_nodes=event.numa_nodes,
            features=tuple(event.features),
            usable_physical_cores=event.usable_physical_cores or None,
        )

    def _on_threads(self, _pid: int, event: ThreadsEvent) -> None:
        self._threads = tuple(Thread(*row) for row in event.rows)
        self._thread_count = event.count
        self._awaits_input = event.awaits_input

    def _on_workers(self, _pid: int, event: WorkersEvent) -> None:
        self._workers = tuple(_worker(*row) for row in event.rows)

    def _on_openmp(self, _pid: int, event: OpenMPEvent) -> None:
        self._openmp_runtimes = tuple(event.runtimes)

    def _on_bye(self, pid: int, event: ByeEvent) -> None:
        if pid:
            self._process(pid).on_bye(event)
        else:
            self._host_bye = event

    def _on_attached(self, _pid: int, event: AttachedEvent) -> None:
        self._attempts[event.pid] = event
        code = f"attached-{event.pid}"
        if event.way:
            stopped = f"; one thread was stopped for {units.duration(event.stopped_ns)}"
            unstopped = "" if event.way == "gdb" else "; no thread was stopped"  # gdb stops them all, untimed
            pause = stopped if event.stopped_ns else unstopped
            text = f"The agent entered process {event.pid} by {event.way}{pause}."
            self._notices[0, code] = Notice(INFO, code, text)
        else:
            text = f"No agent in process {event.pid}: {'; '.join(event.reasons)}. The view from outside remains."
            self._notices[0, code] = Notice(WARNING, code, text)

    def _on_stacks(self, _pid: int, event: StacksEvent) -> None:
        self._stacks = stacks_of(event)

    def _on_exit(self, _pid: int, event: ExitEvent) -> None:
        self._exit = event
        self._memory.set_peak(event.max_rss_bytes)


def _worker(pid: int, role: str, cpu_percent: float, rss_bytes: int, cpus: int) -> Worker:
    return Worker(pid, role, cpu_percent, rss_bytes, cpus or None)
