"""The agent in one process: puts the parts together, owns the writer thread, follows forks."""

from __future__ import annotations

import _thread
import ctypes
import time
from collections import deque
from contextlib import suppress
from dataclasses import replace
from time import perf_counter_ns, thread_time_ns
from typing import TYPE_CHECKING, Any, Callable

from ..protocol.events import ByeEvent, Command, NoticeEvent
from ..protocol.vocabulary import DETACH, EXIT, GAVE_UP, WARNING
from .attached_lifetime import AttachedLifetime, process_age_ns
from .isolation import forks
from .isolation.dynamo import skip_our_code
from .isolation.guard import Guard
from .rank import Rank
from .recording.control import ControlFile
from .recording.outbox import Outbox
from .recording.write_through import WriteThrough
from .steps.hooks import Hooks
from .steps.lockstep import LockstepGate
from .steps.timeline import Timeline
from .steps.tracker import StepTracker
from .windows.budget import GRANTED_STEPS, GRANTED_STEPS_LATE, WindowBudget
from .windows.onednn_capture import OneDnnCapture
from .windows.torch_profiler import ProfilerMissingError, TorchProfiler
from .windows.window import Windows

if TYPE_CHECKING:
    from .optimizations._manager import OptimizationManager

INTERVAL_S = 0.25
"""How often the thread looks for commands."""
FLUSH_EVERY = 2
"""It writes at every second look."""


class AgentProcess:
    """Starts and stops the agent of this process, and starts it anew in a forked child."""

    def __init__(
        self,
        torch: Any,
        folder: str,
        budget_percent: float,
        stop_after: int | None,
        primitives: bool,
        lifetime: AttachedLifetime | None = None,
        lockstep: bool = False,
    ) -> None:
        self._torch = torch
        self.folder = folder
        self._budget_percent = budget_percent
        self._stop_after = stop_after
        self._primitives = primitives
        self._lifetime = lifetime
        self._lockstep = lockstep
        """In a process that was started without us."""
        self.introduce: Callable[[], list[Any]] = list
        """Makes the events that open a stream."""
        self.manager: OptimizationManager | None = None
        """Switches optimizations on, where any were asked for."""
        self._outbox = Outbox(folder)
        self._guard = Guard(self._outbox.put)
        self._guard.give_up = self.remove
        self._profiler: TorchProfiler | None = None
        self._hooks: Hooks | None = None
        self._came_ns = perf_counter_ns()

    def start(self, early: bool) -> None:
        """Install the hooks; open the stream now if `early`, else at the first step."""
        try:
            self._profiler = TorchProfiler(self._torch, self._guard)
            if self._lifetime is not None:
                self._guard.run(self._profiler.foreign.look_for_live)
            elif early and self._budget_percent > 0:
                self._guard.run(self._profiler.load)
            if self._primitives:
                self._profiler.onednn_log = self._guard.run(OneDnnCapture, self._torch, self._outbox.put)
        except ProfilerMissingError as error:
            self._outbox.put(NoticeEvent(WARNING, "no_profiler", f"no operator windows: {error}", time.time_ns()))
        if self.manager is not None:
            self._guard.run(self.manager.start)
        self._guard.run(skip_our_code, self._torch, __name__.split(".", 1)[0])
        if self._lifetime is not None:
            self._outbox.introduce(self.introduce())
            self._outbox.flush()
        self._listen(early)
        forks.enter(self)

    def remove(self) -> None:
        """Restore everything that was replaced in torch; the thread ends by itself."""
        hooks, self._hooks = self._hooks, None
        if hooks is not None:
            hooks.remove()
        if self._profiler is not None:
            self._profiler.remove()

    def _listen(self, early: bool) -> None:
        self._early = early
        self._introduced = self._lifetime is not None
        self._introducing = _thread.allocate_lock()
        self._left = False
        self._looks = 0
        self._seen: Any = None
        self._writer_ns = 0
        self._commands: deque[Command] = deque()
        self._control = ControlFile(self.folder)
        timeline = Timeline()
        windows = None
        late = self._lifetime is not None
        self._tracker = StepTracker(self._torch, timeline, self._outbox, self._commands, self._stop_after, late)
        self._tracker.came_ns = self._came_ns
        if self._profiler is not None:
            grants, before_ns = (GRANTED_STEPS_LATE, process_age_ns()) if late else (GRANTED_STEPS, 0)
            budget = WindowBudget(self._budget_percent, grants, before_ns)
            windows = Windows(self._profiler, budget, self._tracker.module_paths, self._outbox.put)
        self._tracker.windows = windows
        self._rank = Rank(self._outbox.put)
        self._tracker.learn_rank = self._rank.look
        self._tracker.after_step = WriteThrough(self._write_steps)
        if self._lockstep:
            with suppress(OSError):
                self._tracker.lockstep = LockstepGate(self.folder)
        if self.manager is not None:
            self._tracker.warming_up = self.manager.busy
        self._hooks = Hooks(self._torch, timeline, self._tracker, self._guard)
        self._tracker.nested_call_ns = self._hooks.nested_call_ns()
        self._hooks.install()
        self._writer = WriterThread(self._look)
        self._writer.start()

    # ---- the thread

    def _look(self) -> bool:
        """One round of the thread; whether to go on."""
        self._guard.run(self._round)
        return self._hooks is not None

    def _round(self) -> None:
        if not (self._introduced or self._early or self._tracker.steps):
            return
        for command in self._control.new_commands():
            if command.action == DETACH:
                self._tracker.leaving = True
            else:
                self._commands.append(command)
        if self._lifetime is not None:
            self._lifetime.look(self._tracker)
        if self._tracker.detach_wanted:
            self.remove()
        if self._hooks is None:
            leave = self._lifetime.reason if self._lifetime is not None else DETACH
            self._say_goodbye(leave if self._tracker.detach_wanted else GAVE_UP)
            forks.leave(self)
            if self._lifetime is not None:
                self._lifetime.end()
        elif self._looks % FLUSH_EVERY == 0:
            self._write()
        self._looks += 1
        self._writer_ns = thread_time_ns()

    def _introduce(self) -> None:
        with self._introducing:
            if not self._introduced:
                self._outbox.introduce(self.introduce())
                self._introduced = True

    def _write_steps(self) -> None:
        """On the training thread."""
        self._introduce()
        self._outbox.flush_if_free()

    def _write(self) -> None:
        self._introduce()
        self._rank.look()
        if self.manager is not None:
            for event in self.manager.news(self._tracker.steps, final=self._left):
                self._outbox.put(event)
        if self._tracker.steps == 0:
            progress = self._tracker.progress()
            seen = replace(progress, unix_ns=0)
            if seen != self._seen:
                self._seen = seen
                self._outbox.put(progress)
        elif self._looks % (2 * FLUSH_EVERY) == 0:
            self._outbox.put(self._tracker.status(self._writer_ns))
        self._outbox.flush()

    def _say_goodbye(self, reason: str) -> None:
        if not self._left:
            self._left = True
            self._write()
            self._outbox.put(self._tracker.status(self._writer_ns))
            self._outbox.put(ByeEvent(reason, time.time_ns()))
            self._outbox.flush()

    def at_exit(self) -> None:
        self._writer.stop()
        # An open window at the end of the interpreter would take the process down with it.
        self._guard.run(self._give_up_window)
        if self._hooks is not None:
            self._guard.run(self._tracker.at_end)
        if self._introduced or self._early or self._tracker.steps:
            self._guard.run(self._say_goodbye, EXIT)

    def _give_up_window(self) -> None:
        if self._tracker.windows is not None:
            self._tracker.windows.give_up()

    # ---- forks

    def before_fork(self) -> None:
        # A second thread at the moment of a fork would make Python 3.12 warn where it would not without us; and an
        # open window would go on for ever in the child.
        self._guard.run(self._writer.stop)
        self._guard.run(self._give_up_window)

    def after_fork(self) -> None:
        if self._hooks is not None:
            self._guard.run(self._writer.start)

    def after_fork_in_child(self) -> None:
        if self._hooks is not None:
            self._guard.run(self._begin_anew if self._lifetime is None else self._switch_off)

    def _switch_off(self) -> None:
        if self._profiler is not None:
            self._profiler.forget()
        self.remove()
        forks.leave(self)

    def _begin_anew(self) -> None:
        assert self._hooks is not None
        self._hooks.remove()
        if self._profiler is not None:
            self._profiler.forget()
        if self.manager is not None:
            self.manager.begin_anew()
        self._outbox.restart()
        self._listen(early=False)


class WriterThread:
    """A thread that Python's `threading` does not know of, so that the program's view of its threads is its own."""

    NAME = b"profilednn"

    def __init__(self, look: Callable[[], bool]) -> None:
        self._look = look
        self._wake = _thread.allocate_lock()
        self._ended = _thread.allocate_lock()
        self._running = False

    def start(self) -> None:
        """Start the thread, if it does not run."""
        if self._running:
            return
        self._wake = _thread.allocate_lock()
        self._ended = _thread.allocate_lock()
        self._wake.acquire()
        self._ended.acquire()
        self._running = True
        _thread.start_new_thread(self._run, (self._wake, self._ended))

    def stop(self) -> None:
        """End the thread and wait for it."""
        if self._running:
            self._running = False
            self._wake.release()
            self._ended.acquire(timeout=2.0)

    def _run(self, wake: Any, ended: Any) -> None:
        try:
            ctypes.CDLL(None).prctl(15, self.NAME, 0, 0, 0)  # PR_SET_NAME: tells the host's thread view who we are
            while self._look() and not wake.acquire(timeout=INTERVAL_S):
                pass
        finally:
            ended.release()
