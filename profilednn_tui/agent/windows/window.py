"""Profiler windows of one step: opened at a boundary, closed and summarized at the next, on the training thread."""

from __future__ import annotations

import os
import threading
import time
import traceback
from _thread import _local, get_ident
from functools import partial
from time import perf_counter_ns
from typing import Any, Callable, NamedTuple

from ...protocol.events import NoticeEvent, PrimitivesEvent, StepsEvent, TraceEvent, WindowEvent
from ...protocol.vocabulary import INFO, WARNING
from ..isolation.guard import attempt
from ..steps.timeline import Timeline
from .budget import WindowBudget
from .onednn_join import join
from .pace import Pace
from .phase_spans import PhaseSpans
from .summary import Summary, summarize
from .torch_profiler import EventTree, TorchProfiler, has_process_group, stacks_refused
from .trace import Trace


class _Closed(NamedTuple):
    summary: Summary
    began_unix_ns: int
    summarize_ns: int
    primitives: PrimitivesEvent | None


class Windows:
    """Opens windows as `WindowBudget` allows and reports each as a `WindowEvent`.

    A window that fails costs its time and nothing else. After a few consecutive failures no more are opened, and steps
    are still recorded.
    """

    def __init__(
        self,
        profiler: TorchProfiler,
        budget: WindowBudget,
        module_paths: Callable[[], dict[int, str]],
        timeline: Timeline,
        report: Callable[[Any], None],
        keep_trace: Callable[[Callable[[], TraceEvent]], None],
    ) -> None:
        self._profiler = profiler
        self.budget = budget
        self._module_paths = module_paths
        self._timeline = timeline
        self._report = report
        self._keep_trace = keep_trace
        self._stacks = True
        self._joins = True
        """Whether primitives are joined to operators; false once that has failed."""
        self.begun = False
        """Whether a window has been opened and not yet accounted for."""
        self.ended_step = -1
        """The step at whose end the last window was closed, of operators or of allocations."""
        self._start_cost_ns = 0
        self._at_thread_end = _local()
        self._pace = Pace()
        self._told: dict[str, str] = {}

    @property
    def open(self) -> bool:
        """Whether the profiler is on."""
        return self._profiler.running

    @property
    def plain_ns(self) -> int:
        """The median of recent steps without a window; 0 while there are none."""
        return self._pace.median_ns

    def add_plain_step(self, duration_ns: int) -> None:
        """Record the duration of a step without a window."""
        self._pace.add(duration_ns)

    def due(self, steps: int, elapsed_ns: int, other_cost_ns: int, run_ns: int) -> bool:
        """Whether to open a window now; see `WindowBudget.due`. Never at the boundary at which one has been closed.

        That boundary may be inside an operator, such as an autograd node: torch would write the operator's end into the
        freed memory of the closed window if another one were open by then.
        """
        if steps == self.ended_step:
            return False
        if not self.budget.wanted and (steps + 1) % self._stride():
            return False
        pace = self._pace
        since = steps - self.ended_step
        return self.budget.due(steps, elapsed_ns, other_cost_ns, run_ns, pace.median_ns, pace.changed(), since)

    def _stride(self) -> int:
        """Windows of several ranks open on steps whose number is a multiple of this power of two: mostly on the same
        ones, so that ranks can be compared, and the others need not wait for each rank in turn."""
        step_ns = self._pace.median_ns
        if not step_ns or not has_process_group():
            return 1
        return 1 << max(0, int(self.budget.interval_ns / 2 / step_ns).bit_length() - 1)

    def start(self, elapsed_ns: int) -> int:
        """Open a window unless the program is profiling itself; returns the flags of the step that begins."""
        if self._profiler.busy():
            text = "the program is running torch.profiler itself: operator windows wait until it is done"
            self._tell(INFO, "foreign_profiler", text)
            return 0
        begin = perf_counter_ns()
        _, error = attempt(self._open)
        self._start_cost_ns = perf_counter_ns() - begin
        if error is None:
            self.begun = True
            return StepsEvent.PROFILED
        self.budget.failed(self._start_cost_ns, elapsed_ns)
        self._tell_failure(error)
        return StepsEvent.DISTURBED

    def _open(self) -> None:
        refused = stacks_refused()
        if refused:
            self._tell(INFO, "no_stacks", "operators are recorded without call stacks: " + refused)
        self._stacks = refused is None
        if get_ident() != main_thread_ident():
            # torch's tracer crashes at the interpreter's end if its thread is gone: close it together with the thread.
            self._at_thread_end.closer = Closer(self.give_up)
            self._profiler.load_elsewhere()
        self._profiler.start(self._stacks)
        self._timeline.trace()

    def finish(self, step: int, duration_ns: int, elapsed_ns: int) -> None:
        """Close the window after `step`, which took `duration_ns`; summarize and report it."""
        self.begun = False
        self.ended_step = step
        begin = perf_counter_ns()
        closed, error = attempt(self._close, step)
        took_ns = perf_counter_ns() - begin
        plain_ns = self._pace.median_ns or duration_ns
        cost_ns = self._start_cost_ns + took_ns + max(duration_ns - plain_ns, 0)
        elapsed_ns += took_ns
        if error is not None:
            self.budget.failed(cost_ns, elapsed_ns)
            self._tell_failure(error)
        elif closed is None:
            self.budget.lost(cost_ns, elapsed_ns)
        else:
            self.budget.closed(cost_ns, elapsed_ns)
            self._pace.window()
            tables = closed.summary._asdict()
            trace = tables.pop("trace")
            window = WindowEvent(
                number=self.budget.windows,
                step=step,
                end_unix_ns=time.time_ns(),
                duration_ns=duration_ns,
                cost_ns=cost_ns,
                summarize_ns=closed.summarize_ns,
                stacks=self._stacks,
                **tables,
            )
            self._report(window)
            self._keep_trace(partial(trace.event, window.number, step, window.end_unix_ns, closed.began_unix_ns))
            if closed.primitives is not None:
                self._report(closed.primitives)

    def _close(self, step: int) -> _Closed | None:
        """The contents of the window; None if it was given up before, or is another thread's, which has to close it."""
        spans = PhaseSpans(*self._timeline.traced(), time.time_ns() - perf_counter_ns())
        tree = self._profiler.stop()
        if tree is None:
            if self._profiler.busy():
                text = "the program started torch.profiler: the operator window was given up"
                self._tell(INFO, "foreign_profiler", text)
            return None
        begin = perf_counter_ns()
        summary = summarize(tree, self._profiler.types, self._module_paths(), spans)
        primitives = self._join(tree, step, summary.trace) if tree.ran is not None and self._joins else None
        return _Closed(summary, spans.began_ns, perf_counter_ns() - begin, primitives)

    def _join(self, tree: EventTree, step: int, trace: Trace) -> PrimitivesEvent | None:
        primitives, error = attempt(join, tree, self._profiler.types, self.budget.windows + 1, step, trace.uses)
        if error is not None:
            self._joins = False
            text = f"oneDNN primitives cannot be joined to operators ({cause(error)}): only operators are recorded"
            self._tell(WARNING, "no_primitives", text)
        return primitives

    def give_up(self) -> None:
        """Close an open window without a summary; only the thread that opened it can."""
        if self._profiler.mine:
            self._timeline.traced()
            attempt(self._profiler.stop)

    def _tell_failure(self, error: Exception) -> None:
        budget = self.budget
        if budget.given_up:
            text = f"operator windows were given up after {budget.failures} failures in a row ({cause(error)}): "
            text += "steps, phases and losses are still recorded, operators are not"
        else:
            text = f"an operator window failed ({cause(error)}): its cost counts, and another will be tried later"
        self._tell(WARNING, "window_failed", text)

    def _tell(self, level: str, code: str, text: str) -> None:
        if self._told.get(code) != text:
            self._told[code] = text
            self._report(NoticeEvent(level, code, text, time.time_ns()))


def cause(error: Exception) -> str:
    """``IndexError: tuple index out of range, summary.py line 380``."""
    frames = traceback.extract_tb(error.__traceback__)
    place = f", {os.path.basename(frames[-1].filename)} line {frames[-1].lineno}" if frames else ""
    message = " ".join(str(error).split())
    return f"{type(error).__name__}: {message}"[:300].rstrip(": ") + place


class Closer:
    """Calls a function when the thread that created it has ended."""

    def __init__(self, close: Callable[[], None]) -> None:
        self._close = close

    def __del__(self) -> None:
        self._close()


def main_thread_ident() -> int:
    """Python's identifier of the main thread."""
    return int(threading.main_thread().ident or 0)
