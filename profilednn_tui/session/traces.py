"""Finds the files with the calls of windows, and reads them on demand."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence

from profilednn_tui.errors import ProfilerError
from profilednn_tui.protocol.events import TraceEvent, WindowEvent
from profilednn_tui.protocol.files import TRACES, trace_file
from profilednn_tui.session.keys import machine_of, pid_of
from profilednn_tui.session.model.process import Process
from profilednn_tui.session.model.trace import read_trace
from profilednn_tui.session.storage.reader import RecordingReader
from profilednn_tui.session.storage.store import Store
from profilednn_tui.session.trace import Trace

_CACHED = 2 * TRACES
_CACHED_CALLS = 400_000
"""In all traces that are kept: about 25 MB. The trace that was asked for last is kept in any case."""


class Traces:
    """The traces of a session, of which the newest that were read are kept."""

    def __init__(self, stores: Sequence[Store]) -> None:
        self._stores = stores
        self._read: OrderedDict[tuple[int, int, int], Trace] = OrderedDict()

    def numbers(self, process: Process) -> tuple[int, ...]:
        """Windows of a process that have a trace, as far as the names of files tell; oldest first."""
        store, pid = self._stores[machine_of(process.key)], pid_of(process.key)
        there = frozenset(store.traces())
        newest = process.windows.newest(TRACES)
        return tuple(window.number for window in newest if trace_file(pid, window.number) in there)

    def of(self, process: Process, number: int) -> Trace | None:
        """The trace of a window; None if there is none, or none that fits the window."""
        window = process.windows.event(number)
        if window is None:
            return None
        name = process.key, number, window.end_unix_ns
        if name not in self._read:
            event = self._event(process.key, window)
            if event is None:
                return None
            try:
                self._read[name] = read_trace(process_name(process), event, window, process.primitives.names(number))
            except ValueError:
                return None
            self._forget()
        self._read.move_to_end(name)
        return self._read[name]

    def _forget(self) -> None:
        """The oldest that are too many."""
        calls = sum(len(trace.calls) for trace in self._read.values())
        while len(self._read) > 1 and (len(self._read) > _CACHED or calls > _CACHED_CALLS):
            _, oldest = self._read.popitem(last=False)
            calls -= len(oldest.calls)

    def _event(self, key: int, window: WindowEvent) -> TraceEvent | None:
        name = trace_file(pid_of(key), window.number)
        try:
            reader = RecordingReader(name, self._stores[machine_of(key)].open(name), (TraceEvent.kind,))
        except OSError:
            return None
        try:
            while chunk := reader.read():
                for event in reader.events(chunk):
                    if isinstance(event, TraceEvent):
                        return event
        except ProfilerError:
            return None
        finally:
            reader.close()
        return None


def process_name(process: Process) -> str:
    """``rank 1``, or ``process 4711``."""
    rank = process.hello.rank
    return f"process {process.hello.pid}" if rank is None else f"rank {rank}"
