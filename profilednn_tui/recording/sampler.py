"""The host's part of a recording: one sample per second, appended to ``host.jsonl``."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

from profilednn_tui.clock import SYSTEM_CLOCK, Clock
from profilednn_tui.collect import cores, machine, memory, procfs, threads, workers
from profilednn_tui.collect.affinity import AffinityReader
from profilednn_tui.collect.interval import SampleInterval
from profilednn_tui.collect.openmp import RuntimeReader
from profilednn_tui.collect.pss import PssReader
from profilednn_tui.collect.sample import Sample, SampleReader
from profilednn_tui.paths import FILE_MODE
from profilednn_tui.protocol.codec import encode
from profilednn_tui.protocol.events import ExitEvent, MachineEvent, NoticeEvent, ProcessEndEvent, current_header
from profilednn_tui.protocol.files import HOST_RECORDING
from profilednn_tui.protocol.vocabulary import HOST, WARNING
from profilednn_tui.recording.ends import EndWatch
from profilednn_tui.recording.participants import Participants

INTERVAL_S = 1.0

RESERVE_FILE = "reserve"
"""Disk space held in reserve: half is released when the disk is full, to report it, and the rest at the end, so that
viewers learn the exit code even when the recording has filled the disk."""
RESERVE_BYTES = 16_384

Collector = Callable[[SampleInterval], Any]

COLLECTORS: tuple[tuple[str, Collector], ...] = (
    ("cores", cores.measure),
    ("threads", threads.measure),
    ("memory", memory.measure),
    ("workers", workers.measure),
)


class EventFile:
    """An append-only file of whole lines; a full disk loses lines, but those accepted afterwards are whole again.

    The first line accepted again reports the loss; releasing part of the session's reserve makes room for it at once.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._torn = False
        self._lost = 0
        self._untold = False
        """Whether the file does not report the loss yet."""
        self.trouble: str | None = None
        """Why lines are lost, in a sentence; None if none are."""

    def append(self, event: Any) -> bool:
        """Write an event; returns whether the disk accepted it."""
        line = encode(event)
        if self._untold and self._write(self._account()):
            self._untold = False
        if self._write(line):
            return True
        self._lost += 1
        if not self._untold:
            self._untold = True
            _give_back(self._path.parent, RESERVE_BYTES // 2)
            self._untold = not self._write(self._account())
        return False

    def _account(self) -> bytes:
        text = f"{self._lost} of the profiler's own lines are lost: {self.trouble}"
        return encode(NoticeEvent(WARNING, "host-disk", text, time.time_ns()))

    def _write(self, line: bytes) -> bool:
        try:
            written = self._take(line)
        except OSError as error:
            reason = error.strerror or str(error)
            self.trouble = (
                f"The disk rejects data of this session ({reason}), so the recording has gaps. Free some space."
            )
            return False
        complete = written == len(line) + self._torn
        self._torn = not complete and (written > 0 or self._torn)
        if not complete:
            self.trouble = (
                "The disk is full and rejects data of this session, so the recording has gaps. Free some space."
            )
        return complete

    def _take(self, line: bytes) -> int:
        descriptor = os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, FILE_MODE)
        try:
            return os.write(descriptor, b"\n" + line if self._torn else line)
        finally:
            os.close(descriptor)


def _give_back(folder: Path, kept_bytes: int) -> None:
    """Release part of the disk space that a session reserves for its final records."""
    with suppress(OSError):
        os.truncate(folder / RESERVE_FILE, kept_bytes)


def next_due_s(due_s: float, now_s: float) -> float:
    """When the sample after one that was due at `due_s` and ended at `now_s` is due.

    Samples missed while the machine slept, hung or was overloaded are left out, and so is one that would follow within
    half an interval, which the ticks of CPU time are too coarse for. The others do not drift.
    """
    return due_s + INTERVAL_S * (1 + max(0.0, now_s - due_s + INTERVAL_S / 2) // INTERVAL_S)


class Sampler:
    """Samples the target when a sample is due; the owner's loop calls `sample_if_due`, so no thread is needed."""

    def __init__(
        self, folder: Path, root_pid: int, clock: Clock = SYSTEM_CLOCK, companion_ticks: Callable[[], int] = int
    ) -> None:
        """`companion_ticks` returns the CPU time of processes that do not count as a disturbance: see `Sample`."""
        participants = Participants(folder)
        self._file = EventFile(folder / HOST_RECORDING)
        self._clock = clock
        self._root_pid = root_pid
        self._reader = SampleReader(root_pid, participants.agents, participants.host_pids, companion_ticks, clock)
        self._before: Sample | None = None
        self._due_s = clock.monotonic_s()
        self._failed: set[str] = set()
        self._notices: dict[str, NoticeEvent] = {}
        """The notices that the disk has not accepted yet, by code."""
        self._told_trouble: str | None = None
        self._affinity: list[int] = []
        self._runtimes = RuntimeReader()
        self._affinities = AffinityReader()
        self._pss = PssReader()
        self._ends = EndWatch()

    def start(self) -> None:
        """Write the file's header, describe the machine and take the sample that the first interval starts from."""
        self._file.append(current_header(HOST, os.getpid(), self._clock.unix_ns()))
        self._guarded("machine", self._describe, self._root_pid)
        self.sample_if_due()

    def target_ticks(self) -> int:
        """The current CPU time of the target's processes as last seen."""
        pids = self._before.tree.processes.keys() if self._before is not None else (self._root_pid,)
        return sum(stat.cpu_ticks for pid in pids if (stat := procfs.process(pid)) is not None)

    def wait_s(self) -> float:
        """Time until the next sample is due."""
        return max(0.0, self._due_s - self._clock.monotonic_s())

    def sample_if_due(self) -> None:
        if self._clock.monotonic_s() < self._due_s:
            return
        self._guarded("sample", self._next_sample)
        self._due_s = next_due_s(self._due_s, self._clock.monotonic_s())
        self._tell()

    def _tell(self) -> None:
        for code, notice in [*self._notices.items()]:
            if self._file.append(notice):
                del self._notices[code]

    def tell(self, notice: NoticeEvent) -> None:
        """Record a notice for the user with the next sample that the disk accepts."""
        self._notices[notice.code] = notice

    def trouble(self) -> str | None:
        """Why lines of the recording are lost, in a sentence; returned only once, None otherwise."""
        told, self._told_trouble = self._told_trouble, self._file.trouble
        return self._file.trouble if told is None else None

    def finish(self, exit_event: ExitEvent) -> None:
        """Write the final event: the target's first process has ended."""
        self._tell()
        self.tell_ends(exit_event.exit_code)
        self._file.append(exit_event)

    def tell_ends(self, exit_code: int | None = None) -> None:
        """Write which processes have ended since the last sample; `exit_code` is that of the first one, if we know it
        as its parent."""
        for end in self._ends.last_news():
            first = end.pid == self._root_pid and exit_code is not None
            self._file.append(replace(end, exit_code=exit_code) if first else end)

    def _next_sample(self) -> None:
        now = self._reader.read()
        before, self._before = self._before, now
        if before is not None and now.tree.processes:
            self._guarded("machine", self._describe, now.main_pid or self._root_pid)
            for name, measure in COLLECTORS:
                self._guarded(name, measure, SampleInterval(before, now))
            self._guarded("openmp", self._runtimes.look, now)
            self._guarded("affinity", self._affinities.look, now)
            self._guarded("pss", self._pss.look, now)
        self._guarded("ends", self._look_at_ends, now)

    def _look_at_ends(self, now: Sample) -> list[ProcessEndEvent]:
        self._ends.follow(process for pid, process in now.tree.processes.items() if pid in now.agents)
        return self._ends.news()

    def _describe(self, pid: int) -> MachineEvent | None:
        """The machine, if the process may use other cores than last recorded; None otherwise.

        A library that inspects each core in turn while it is imported pins the process to a single one for a moment.
        """
        if machine.affinity(pid) == self._affinity:
            return None
        event = machine.describe(pid, self._clock.unix_ns())
        self._affinity = event.affinity
        return event

    def _guarded(self, name: str, measure: Callable[..., Any], *arguments: Any) -> None:
        try:
            found = measure(*arguments)
        except Exception as error:  # noqa: BLE001 - the recording goes on without a collector that fails
            found = self._failure(name, error)
        for event in found if isinstance(found, list) else (found,):
            if event is not None:
                self._file.append(event)

    def _failure(self, name: str, error: Exception) -> NoticeEvent | None:
        if name in self._failed:
            return None
        self._failed.add(name)
        text = f"This recording has no figures from {name}: the collector failed ({type(error).__name__}: {error})."
        return NoticeEvent(WARNING, f"collector-{name}", text, self._clock.unix_ns())
