"""The agent of a process: the parts that survive a fork, and the handling of forks and exit."""

from __future__ import annotations

import time
from time import perf_counter_ns
from typing import TYPE_CHECKING, Any

from ..protocol.events import NoticeEvent
from ..protocol.vocabulary import WARNING
from .incarnation import Incarnation
from .isolation import forks
from .isolation.dynamo import skip_our_code
from .isolation.guard import Guard, attempt
from .life.arrival import Arrival, Opening
from .life.states import LEAVING, LISTENING
from .memory.footprint import grown_bytes
from .recording.outbox import Outbox
from .settings import Settings
from .windows.onednn_capture import OneDnnCapture
from .windows.torch_profiler import ProfilerMissingError, TorchProfiler

if TYPE_CHECKING:
    from .optimizations._manager import OptimizationManager


class AgentProcess:
    """Starts the agent in this process, and a new one in forked children; `isolation.forks` calls it."""

    def __init__(self, torch: Any, settings: Settings, arrival: Arrival) -> None:
        self.folder = settings.folder
        self._torch = torch
        self._settings = settings
        self._arrival = arrival
        self._came_ns = perf_counter_ns()
        self._guard = Guard(self._report, self._give_up)
        self._outbox = Outbox(settings.folder)
        self._manager = self._load_optimizations()
        self._profiler = self._load_profiler()
        self._grown_bytes = grown_bytes(alone=not arrival.late)
        self._incarnation = self._incarnate(arrival.opening)

    def start(self) -> None:
        """Install everything and start listening; if that fails, leaves torch as it was and raises the exception."""
        try:
            if self._manager is not None:
                self._guard.run(self._manager.start)
            self._guard.run(skip_our_code, self._torch, __name__.split(".", 1)[0])
            self._incarnation.listen()
            forks.enter(self)
        except BaseException:
            attempt(self._incarnation.remove)
            raise

    # ---- called by `forks`

    def before_fork(self) -> None:
        """Stop the agent's thread and close an open window."""
        # Another thread during the fork would cause a warning from Python 3.12 that a plain run does not have, and an
        # open window would never end in the child.
        self._incarnation.pause()

    def after_fork(self) -> None:
        """Resume in the parent."""
        self._incarnation.resume()

    def after_fork_in_child(self) -> None:
        """In the child, start a new agent or none."""
        if self._arrival.follows_forks and LISTENING <= self._incarnation.state < LEAVING:
            self._guard.run(self._begin_anew)
        else:
            self._guard.run(self._switch_off)

    def at_exit(self, exit_code: int | None = None) -> None:
        """End with the process; `exit_code` is None if it is not known yet."""
        self._incarnation.end(exit_code)

    # ---- parts

    def _incarnate(self, opening: Opening) -> Incarnation:
        return Incarnation(
            self._torch,
            self._settings,
            self._arrival,
            opening,
            self._came_ns,
            self._grown_bytes,
            self._guard,
            self._outbox,
            self._profiler,
            self._manager,
            on_left=self._left,
        )

    def _load_optimizations(self) -> OptimizationManager | None:
        if not self._settings.optimizations:
            return None
        from .optimizations._manager import OptimizationManager  # most runs do not need this import

        return OptimizationManager(self._torch, list(self._settings.optimizations))

    def _load_profiler(self) -> TorchProfiler | None:
        try:
            profiler = TorchProfiler(self._torch, self._guard)
        except ProfilerMissingError as error:
            self._report(NoticeEvent(WARNING, "no_profiler", f"no operator windows: {error}", time.time_ns()))
            return None
        self._guard.run(self._arrival.prepare, profiler, self._settings)
        if self._settings.primitives:
            profiler.onednn_log = self._guard.run(OneDnnCapture, self._torch, self._report)
        return profiler

    # ---- called by the parts

    def _report(self, event: Any) -> None:
        self._outbox.put(event)

    def _give_up(self) -> None:
        self._incarnation.give_up()

    def _left(self) -> None:
        forks.leave(self)
        self._arrival.gone()

    # ---- in a forked child

    def _begin_anew(self) -> None:
        self._incarnation.abandon()
        if self._manager is not None:
            self._manager.begin_anew()
        self._outbox = Outbox(self.folder)
        self._incarnation = self._incarnate(Opening.AT_FIRST_STEP)
        self._incarnation.listen()

    def _switch_off(self) -> None:
        self._incarnation.abandon()
        self._incarnation.remove()
        forks.leave(self)
