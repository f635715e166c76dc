"""A torch trace as the store of a session: it looks as if an agent had recorded its steps."""

from __future__ import annotations

import errno
import io
import re
from bisect import bisect_left
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from profilednn_tui.plain import plain
from profilednn_tui.protocol.codec import encode
from profilednn_tui.protocol.events import ByeEvent, HelloEvent, StepsEvent, StepSourceEvent, current_header
from profilednn_tui.protocol.files import TRACES, agent_recording, trace_file
from profilednn_tui.protocol.vocabulary import AGENT, EXIT, OPTIMIZER
from profilednn_tui.session.storage.folder import ExitFile, SessionFile
from profilednn_tui.session.storage.reader import Stream
from profilednn_tui.session.torch_trace.file import PYTHON, TorchEvent, read_torch_trace
from profilednn_tui.session.torch_trace.window import Step, read_step

_STEP = re.compile(r"ProfilerStep#(\d+)")
FOREIGN = "It is a trace that torch.profiler has written, so it is only read here."


class TorchTraceStore:
    """A file of ``export_chrome_trace``; all of it is read at once."""

    folder = None
    foreign = FOREIGN
    cut_short = False

    def __init__(self, path: Path) -> None:
        """Raises a `ProfilerError` if the file is no such trace."""
        self.location = path
        trace = read_torch_trace(path)
        pid, thread = _training_thread(trace.events)
        steps = list(_steps([event for event in trace.events if event.pid == pid], thread, trace.base_unix_ns))
        pid = max(1, min(pid, 10**9))
        self.session_file = SessionFile(
            name=plain(path.name), argv=[], working_directory="", python="",
            host=plain(trace.host), launcher_pid=0,
            start_unix_ns=steps[0].trace.began_unix_ns,
        )  # fmt: skip
        events = _recording(pid, steps)
        header = encode(current_header(AGENT, pid, self.session_file.start_unix_ns))
        self._files = {agent_recording(pid): header + b"".join(map(encode, events))}
        for step in steps[-TRACES:]:
            self._files[trace_file(pid, step.window.number)] = header + encode(step.trace)

    def recordings(self) -> Iterator[str]:
        return (name for name in self._files if name.startswith("agent-"))

    def traces(self) -> Iterator[str]:
        return (name for name in self._files if name.startswith("trace-"))

    def trace_stamp(self, name: str) -> int:
        return 1

    def open(self, name: str) -> Stream:
        try:
            return io.BytesIO(self._files[name])
        except KeyError:
            raise OSError(errno.ENOENT, "there is no such part") from None

    def exit_file(self) -> ExitFile | None:
        return None

    def output_tail(self, max_bytes: int) -> bytes:
        return b""

    def source(self, file: str) -> bytes | None:
        return None

    def source_path(self, file: str) -> Path | None:
        return None

    def close(self) -> None:
        """Nothing is held open."""


def _training_thread(events: tuple[TorchEvent, ...]) -> tuple[int, int]:
    """Process and thread on which steps were marked; without marks, where operators took most time."""
    times: Counter[tuple[int, int]] = Counter()
    for event in events:
        if event.category != PYTHON:
            marked = _STEP.fullmatch(event.name) is not None
            times[event.pid, event.tid] += (event.end_ns - event.start_ns) * (1_000 if marked else 1)
    return max(times, key=lambda one: times[one])


def _steps(events: Sequence[TorchEvent], thread: int, base_unix_ns: int) -> Iterator[Step]:
    """Each marked step by itself; without marks, all of it as one step."""
    marks = [
        (int(named[1][:9]) + 1, event)
        for event in events
        if event.tid == thread and (named := _STEP.fullmatch(event.name))
    ]
    others = [event for event in events if not _STEP.fullmatch(event.name)]
    if not marks:
        begin, end = min(event.start_ns for event in others), max(event.end_ns for event in others)
        yield read_step(others, begin, end, 1, 1, thread, base_unix_ns)
        return
    marks.sort(key=lambda one: one[1].start_ns)
    others.sort(key=lambda one: one.start_ns)
    starts = [event.start_ns for event in others]
    running: list[TorchEvent] = []
    seen = 0
    for window, (step, mark) in enumerate(marks, start=1):
        first, last = bisect_left(starts, mark.start_ns), bisect_left(starts, mark.end_ns)
        # Operators are in the step in which they begin; Python functions that run through it lead to them.
        running = [event for event in (*running, *others[seen:first]) if _runs_into(event, mark)]
        seen = first
        inside = [_clipped(event, mark) for event in (*running, *others[first:last])]
        yield read_step(inside, mark.start_ns, mark.end_ns, step, window, thread, base_unix_ns)


def _runs_into(event: TorchEvent, mark: TorchEvent) -> bool:
    return event.category == PYTHON and event.start_ns < mark.start_ns < event.end_ns


def _clipped(event: TorchEvent, mark: TorchEvent) -> TorchEvent:
    """The part of a Python function that lies in a step."""
    if event.category != PYTHON:
        return event
    return replace(event, start_ns=max(event.start_ns, mark.start_ns), end_ns=min(event.end_ns, mark.end_ns))


def _recording(pid: int, steps: list[Step]) -> Iterator[Any]:
    began = steps[0].trace.began_unix_ns
    yield HelloEvent(
        pid=pid, parent_pid=0, main_thread_id=pid, argv=[], working_directory="", executable="", python="", torch="",
        intra_op_threads=0, inter_op_threads=0, rank=None, world_size=None, overhead_budget_percent=0.0,
        optimizations=[], how="launch", unix_ns=began,
    )  # fmt: skip
    yield StepSourceEvent(OPTIMIZER, "the steps that the program has told torch.profiler", pid, began)
    for step in steps:
        window = step.window
        row = [window.end_unix_ns, window.duration_ns, *step.spans.sums_ns(), None, StepsEvent.PROFILED]
        yield StepsEvent(step.number, [row])
        yield window
    yield ByeEvent(EXIT, steps[-1].window.end_unix_ns)
