"""Profiler windows of one step: open at a boundary, close and summarize at the next, all on the training thread."""

from __future__ import annotations

import threading
import time
from _thread import _local, get_ident
from time import perf_counter_ns
from typing import Any, Callable

from ..protocol import Notice, Window
from .primitives import join
from .schedule import Schedule
from .summarize import summarize
from .torch_profiler import TorchProfiler, stacks_refused


class Windows:
    """Opens windows as `Schedule` allows and reports each as a `protocol.Window`."""

    def __init__(
        self,
        profiler: TorchProfiler,
        schedule: Schedule,
        module_paths: Callable[[], dict[int, str]],
        report: Callable[[Any], None],
    ) -> None:
        self._profiler = profiler
        self.schedule = schedule
        self._module_paths = module_paths
        self._report = report
        self._stacks = True
        self._start_cost_ns = 0
        self._thread = 0
        self._at_thread_end = _local()
        self._recent_ns: list[int] = []
        self._told: str | None = None

    @property
    def open(self) -> bool:
        """Whether a window is open."""
        return self._profiler.running

    def add_plain_step(self, duration_ns: int) -> None:
        """Learn what a step takes without a window."""
        self._recent_ns.append(duration_ns)
        if len(self._recent_ns) > 21:
            del self._recent_ns[0]

    def start(self) -> None:
        """Open a window, unless the program is profiling itself."""
        if self._profiler.busy():
            text = "the program runs torch.profiler itself: operator windows wait until it is done"
            self._tell(text, "foreign_profiler")
            return
        refused = stacks_refused()
        if refused:
            self._tell("operators come without call stacks: " + refused, "no_stacks")
        self._stacks = refused is None
        self._thread = get_ident()
        if self._thread != main_thread_ident():
            # Torch's tracer does not survive the interpreter's end when its thread is gone: close it with the thread.
            self._at_thread_end.closer = _Closer(self.give_up)
            self._profiler.load_elsewhere()
        begin = perf_counter_ns()
        self._profiler.start(self._stacks)
        self._start_cost_ns = perf_counter_ns() - begin

    def finish(self, step: int, duration_ns: int, elapsed_ns: int) -> None:
        """Close the window after `step`, which took `duration_ns`; summarize and report it."""
        begin = perf_counter_ns()
        tree = self._profiler.stop()
        if tree is None:
            self._tell("the program started torch.profiler: the operator window was given up", "foreign_profiler")
            return
        summarizing = perf_counter_ns()
        summary = summarize(tree, self._profiler.types, self._module_paths())
        number = self.schedule.windows + 1
        primitives = join(tree, self._profiler.types, number, step) if tree.ran is not None else None
        del tree
        end = perf_counter_ns()
        plain_ns = sorted(self._recent_ns)[len(self._recent_ns) // 2] if self._recent_ns else duration_ns
        cost_ns = self._start_cost_ns + (end - begin) + max(duration_ns - plain_ns, 0)
        self.schedule.closed(cost_ns, elapsed_ns + end - begin)
        self._report(
            Window(
                number=self.schedule.windows,
                step=step,
                end_unix_ns=time.time_ns(),
                duration_ns=duration_ns,
                cost_ns=cost_ns,
                summarize_ns=end - summarizing,
                stacks=self._stacks,
                **summary._asdict(),
            )
        )
        if primitives is not None:
            self._report(primitives)

    def give_up(self) -> None:
        """Close an open window without a summary; only the thread that opened it can."""
        if self._profiler.running and self._thread == get_ident():
            self._profiler.stop()

    def _tell(self, text: str, code: str) -> None:
        if self._told != text:
            self._told = text
            self._report(Notice("info", code, text, time.time_ns()))


class _Closer:
    """Calls a function when the thread that made it is gone."""

    def __init__(self, close: Callable[[], None]) -> None:
        self._close = close

    def __del__(self) -> None:
        self._close()


def main_thread_ident() -> int:
    """Python's identifier of the main thread."""
    return int(threading.main_thread().ident or 0)
