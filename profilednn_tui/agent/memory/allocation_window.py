"""A profiler window of two steps in which torch tells of its allocations; opened only when asked for."""

from __future__ import annotations

import time
from _thread import _local, get_ident
from time import perf_counter_ns
from typing import Any, Callable

from ...protocol.events import AllocationsEvent, NoticeEvent, StepsEvent
from ...protocol.vocabulary import INFO, WARNING
from ..isolation.guard import attempt
from ..steps.timeline import Timeline
from ..windows.phase_spans import PhaseSpans
from ..windows.torch_profiler import TorchProfiler
from ..windows.window import Closer, cause, main_thread_ident
from .allocations import Allocations, changes, summarize


class AllocationWindow:
    """Opened at a boundary, closed and summarized at the second one after it, on the training thread."""

    def __init__(self, profiler: TorchProfiler, timeline: Timeline, report: Callable[[Any], None]) -> None:
        self._profiler = profiler
        self._timeline = timeline
        self._report = report
        self._at_thread_end = _local()
        self._second_ns = 0
        """When the second step began; 0 before."""
        self.wanted = False
        """Whether one has been asked for."""
        self.begun = False
        """Whether a window has been opened and not yet accounted for."""
        self.spent_ns = 0
        """Cost to training so far."""
        self._cost_ns = 0

    def start(self) -> int:
        """Open a window unless the program is profiling itself; returns the flags of the step that begins."""
        self.wanted = False
        if self._profiler.busy():
            self._tell(INFO, "the program is running torch.profiler itself: ask again when it is done")
            return 0
        began_ns = perf_counter_ns()
        _, error = attempt(self._open)
        self._book(perf_counter_ns() - began_ns)
        if error is not None:
            self._tell(WARNING, f"allocations of a step cannot be told ({cause(error)})")
            return StepsEvent.DISTURBED
        self.begun = True
        return StepsEvent.PROFILED

    def _open(self) -> None:
        self._cost_ns = self._second_ns = 0
        if get_ident() != main_thread_ident():
            self._at_thread_end.closer = Closer(self.give_up)
            self._profiler.load_elsewhere()
        self._profiler.start(stacks=False, memory=True)
        self._timeline.trace()

    def end_step(self, step: int, duration_ns: int, plain_ns: int) -> int:
        """A step has ended; `plain_ns` is what one takes without a window. Returns the flags of the next one."""
        self._book(max(0, duration_ns - plain_ns))
        if not self._second_ns and self._profiler.running:
            self._second_ns = perf_counter_ns()
            return StepsEvent.PROFILED
        self.begun = False
        began_ns = perf_counter_ns()
        found, error = attempt(self._close)
        self._book(perf_counter_ns() - began_ns)
        if error is not None:
            self._tell(WARNING, f"allocations of a step cannot be told ({cause(error)})")
        elif found is None:
            self._tell(
                INFO, "a window with allocations was given up, as the program forks or profiles itself: ask again"
            )
        else:
            event = AllocationsEvent(
                step=step,
                unix_ns=time.time_ns(),
                duration_ns=duration_ns,
                cost_ns=self._cost_ns,
                **found._asdict(),
            )
            self._report(event)
        return 0

    def _close(self) -> Allocations | None:
        offset_ns = time.time_ns() - perf_counter_ns()
        spans = PhaseSpans(*self._timeline.traced(), offset_ns)
        tree = self._profiler.stop()
        if tree is None or not self._second_ns:
            return None
        found = changes(tree, self._profiler.types)
        return summarize(found, spans, self._second_ns + offset_ns, spans.ended_ns)

    def give_up(self) -> None:
        """Close an open window without a summary; only the thread that opened it can."""
        if self._profiler.mine:
            self._timeline.traced()
            attempt(self._profiler.stop)

    def _book(self, cost_ns: int) -> None:
        self._cost_ns += cost_ns
        self.spent_ns += cost_ns

    def _tell(self, level: str, text: str) -> None:
        self._report(NoticeEvent(level, "allocations", text, time.time_ns()))
