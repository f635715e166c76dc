"""What the host of one machine tells of a session: processors, memory, threads, and how the target ended there."""

from __future__ import annotations

from collections.abc import Sequence

from profilednn_tui import units
from profilednn_tui.protocol.events import (
    AffinityEvent,
    AttachedEvent,
    ByeEvent,
    ExitEvent,
    MachineEvent,
    OpenMPEvent,
    ProcessEndEvent,
    PssEvent,
    StacksEvent,
    ThreadsEvent,
    WorkersEvent,
)
from profilednn_tui.protocol.vocabulary import INFO, WARNING
from profilednn_tui.session.model.cores import CoreSeries
from profilednn_tui.session.model.memory import MemorySeries
from profilednn_tui.session.model.process import Process
from profilednn_tui.session.model.thread_stacks import stacks_of
from profilednn_tui.session.storage.folder import SessionFile
from profilednn_tui.session.view import Machine, Notice, Stacks, State, Thread, Worker

KEPT_PROCESSES = 4_096
"""Of which the host tells something."""


class Part:
    """One machine's part of a session; most sessions have one."""

    def __init__(self, started: SessionFile, live: bool = False, excerpt: bool = False) -> None:
        """`excerpt`: the target was still running when the events were copied."""
        self.started = started
        self.live = live
        """Whether more events may come, as long as nothing tells the end."""
        self.gone = False
        """Whether the target, and every process that could report its end, have vanished."""
        self.cores = CoreSeries()
        self.memory = MemorySeries()
        self.machine = Machine()
        self.allowed_cores: tuple[int, ...] = ()
        self.threads: tuple[Thread, ...] = ()
        self.thread_count: int | None = None
        self.awaits_input = False
        self.openmp_runtimes: tuple[str, ...] | None = None
        self.workers: tuple[Worker, ...] = ()
        self.pss: tuple[tuple[int, int, int], ...] = ()
        """Pid, parent's pid and due share of the memory of each process without an agent."""
        self.stacks = Stacks()
        self.bye: ByeEvent | None = None
        self.exit: ExitEvent | None = None
        self.cpus: dict[int, tuple[int, ...]] = {}
        self.ends: dict[int, ProcessEndEvent] = {}
        """What the host tells of processes, by pid: their own recordings may be read later."""
        self._excerpt = excerpt
        self._attempts: dict[int, AttachedEvent] = {}

    @property
    def kept_out(self) -> bool:
        """Whether it was tried to attach, and failed for every process."""
        return bool(self._attempts) and not any(attempt.way for attempt in self._attempts.values())

    def over(self, processes: Sequence[Process], detached: bool) -> State | None:
        """How it ended, given its processes; None if it goes on. `detached`: we have left the process that is shown."""
        if self.exit or self.bye or detached:
            return State.ENDED
        if self.live and not self.gone:
            return None
        if processes and all(process.bye for process in processes):
            return State.ENDED
        return State.EXCERPT if self._excerpt else State.LOST

    def on_machine(self, event: MachineEvent) -> None:
        self.cores.set_affinity(event.affinity)
        self.allowed_cores = tuple(event.affinity)
        self.machine = Machine(
            cpu=event.cpu,
            cores=event.cores,
            physical_cores=event.physical_cores,
            affinity=len(event.affinity),
            quota=event.quota,
            memory_bytes=event.memory_bytes,
            numa_nodes=event.numa_nodes,
            features=tuple(event.features),
            usable_physical_cores=event.usable_physical_cores or None,
            command_cpus=self.machine.command_cpus or tuple(event.affinity),
        )

    def on_threads(self, event: ThreadsEvent) -> None:
        self.threads = tuple(Thread(*row) for row in event.rows)
        self.thread_count = event.count
        self.awaits_input = event.awaits_input

    def on_workers(self, event: WorkersEvent) -> None:
        self.workers = tuple(_worker(*row) for row in event.rows)

    def on_pss(self, event: PssEvent) -> None:
        self.pss = tuple((pid, parent, size) for pid, parent, size in event.rows)

    def on_openmp(self, event: OpenMPEvent) -> None:
        self.openmp_runtimes = tuple(event.runtimes)

    def on_affinity(self, event: AffinityEvent) -> None:
        if event.pid in self.cpus or len(self.cpus) < KEPT_PROCESSES:
            self.cpus[event.pid] = tuple(event.cpus)

    def on_process_end(self, event: ProcessEndEvent) -> None:
        if event.pid in self.ends or len(self.ends) < KEPT_PROCESSES:
            self.ends[event.pid] = event

    def on_stacks(self, event: StacksEvent) -> None:
        self.stacks = stacks_of(event)

    def on_bye(self, event: ByeEvent) -> None:
        self.bye = event

    def on_exit(self, event: ExitEvent) -> None:
        self.exit = event
        self.memory.set_peak(event.max_rss_bytes)

    def on_attached(self, event: AttachedEvent) -> Notice:
        """Take note of an attempt to attach; returns what to say of it."""
        self._attempts[event.pid] = event
        code = f"attached-{event.pid}"
        if event.way:
            stopped = f"; one thread was stopped for {units.duration(event.stopped_ns)}"
            unstopped = "" if event.way == "gdb" else "; no thread was stopped"  # gdb stops them all, untimed
            pause = stopped if event.stopped_ns else unstopped
            return Notice(INFO, code, f"The agent entered process {event.pid} by {event.way}{pause}.")
        text = f"No agent in process {event.pid}: {'; '.join(event.reasons)}. The view from outside remains."
        return Notice(WARNING, code, text)


def _worker(pid: int, role: str, cpu_percent: float, rss_bytes: int, cpus: int) -> Worker:
    return Worker(pid, role, cpu_percent, rss_bytes, cpus or None)
