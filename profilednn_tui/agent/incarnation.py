"""The part of the agent that belongs to one process and is replaced as a whole in a forked child."""

from __future__ import annotations

import time
from _thread import allocate_lock
from collections import deque
from collections.abc import Collection, Iterator
from contextlib import suppress
from dataclasses import replace
from time import thread_time_ns
from typing import TYPE_CHECKING, Any, Callable

from ..protocol.events import ByeEvent, Command, ProgressEvent
from ..protocol.vocabulary import DETACH, EXIT, GAVE_UP
from .collectives.recorder import Collectives
from .isolation.guard import Guard
from .life.arrival import Arrival, Opening
from .life.ending import Ending, Fatal
from .life.states import LEAVING, LEFT, Life, Request, State
from .memory.allocation_window import AllocationWindow
from .rank import Rank
from .recording.control import ControlFile
from .recording.outbox import Outbox
from .recording.write_through import WriteThrough
from .recording.writer_thread import WriterThread
from .settings import Settings
from .steps.gradient_noise import GradientNoise
from .steps.hooks import Hooks
from .steps.learning import LearningRecorder, available_bytes
from .steps.loaders import LoaderFacts
from .steps.lockstep import LockstepGate
from .steps.root_modules import RootModules
from .steps.switching import Switching
from .steps.timeline import Timeline
from .steps.total import TrainingTotal
from .steps.tracker import StepTracker
from .windows.torch_profiler import TorchProfiler
from .windows.window import Windows

if TYPE_CHECKING:
    from .optimizations._manager import OptimizationManager

FLUSH_EVERY = 2
"""The thread writes in every second round."""


class Incarnation:
    """Assembles the agent's parts and runs them from the first hook to the last event."""

    def __init__(
        self,
        torch: Any,
        settings: Settings,
        arrival: Arrival,
        opening: Opening,
        came_ns: int,
        agent_bytes: int,
        guard: Guard,
        outbox: Outbox,
        profiler: TorchProfiler | None,
        manager: OptimizationManager | None,
        on_left: Callable[[], None],
    ) -> None:
        self._torch = torch
        self._settings = settings
        self._arrival = arrival
        self._opening = opening
        self._guard = guard
        self._outbox = outbox
        self._profiler = profiler
        self._manager = manager
        self._on_left = on_left
        self._life = Life()
        self._commands: deque[Command] = deque()
        self._control = ControlFile(settings.folder)
        self._rank = Rank(outbox.put)
        self._ending = Ending()
        self._introduced = False
        self._introducing = allocate_lock()
        self._looks = 0
        self._seen: ProgressEvent | None = None
        """The last reported progress, without its time."""
        self._writer_ns = self._earlier_writers_ns = 0
        """CPU time of all of the agent's threads, and of those that ended before a fork."""
        self._writer = WriterThread(self._look)
        timeline = Timeline()
        roots = RootModules()
        self._windows = (
            Windows(
                profiler,
                arrival.budget(settings.budget_percent),
                roots.paths,
                timeline,
                outbox.put,
                outbox.traces.put,
            )
            if profiler is not None
            else None
        )
        self._allocations = AllocationWindow(profiler, timeline, outbox.put) if profiler is not None else None
        switching = Switching(torch, settings.folder, manager.select if manager is not None else _nothing)
        if settings.switching:
            switching.begin(0)
        self._collectives = Collectives(torch, timeline, guard, outbox.put)
        self._loaders = LoaderFacts(torch, lambda: self._tracker.steps)
        self._total = TrainingTotal(torch, self._loaders, outbox.put, arrival.late)
        self._tracker = StepTracker(
            torch,
            timeline,
            outbox,
            self._life,
            self._commands,
            roots,
            self._windows,
            self._allocations,
            came_ns=came_ns,
            stop_after=settings.stop_after,
            late=arrival.late,
            lockstep=_gate(settings),
            switching=switching,
            collectives=self._collectives,
            total=self._total,
            agent_bytes=agent_bytes,
            learn_rank=self._rank.look,
            warming_up=manager.busy if manager is not None else bool,
            after_step=WriteThrough(self._write_steps),
        )
        self._learning = (
            LearningRecorder(torch, roots, outbox.put, guard, available_bytes()) if settings.certificate else None
        )
        self._gradient_noise = (
            GradientNoise(torch, outbox.put, guard, available_bytes()) if settings.gradient_noise else None
        )
        self._hooks = Hooks(torch, timeline, self._tracker, self._loaders, guard)

    @property
    def state(self) -> State:
        """The agent's state."""
        return self._life.state

    def listen(self) -> None:
        """Install the hooks and start the thread."""
        if self._opening is Opening.AT_ONCE:
            self._introduce()
            self._outbox.flush()
        if self._life.ask(Request.LISTEN):
            for recorder in self._recorders():
                recorder.install()  # before the hooks, which may end the run after an update
            self._hooks.install()
            self._writer.start()

    def give_up(self) -> None:
        """Leave after too many failures: remove the hooks at once; the thread writes the last events."""
        try:
            self.remove()
        finally:
            self._life.ask(Request.GIVE_UP, GAVE_UP)

    def remove(self) -> None:
        """Restore everything that was replaced in torch."""
        self._remove_hooks()
        if self._profiler is not None:
            self._profiler.remove()

    def pause(self) -> None:
        """Stop the thread, until `resume`, and close an open window."""
        self._guard.run(self._writer.stop)
        for window in (self._windows, self._allocations):
            if window is not None:
                self._guard.run(window.give_up)

    def resume(self) -> None:
        """Restart the thread, unless the agent has left."""
        if self._life.state is not LEFT:
            self._earlier_writers_ns = self._writer_ns
            self._guard.run(self._writer.start)

    def end(self, exit_code: int | None) -> None:
        """End with the process; `exit_code` is None if it is not known yet."""
        # A window that is open when the interpreter exits would crash the process.
        self.pause()
        self._guard.run(self._tracker.at_end)
        self._guard.run(self._collectives.remove)
        if self._is_open():
            self._guard.run(self._say_goodbye, EXIT, exit_code)

    def abandon(self) -> None:
        """In a forked child, drop everything that belongs to the parent; only the forking thread exists there."""
        if self._profiler is not None:
            self._profiler.forget()
        self._remove_hooks()

    def _remove_hooks(self) -> None:
        self._hooks.remove()
        self._collectives.remove()
        for recorder in self._recorders():
            recorder.remove()

    def _recorders(self) -> Iterator[LearningRecorder | GradientNoise]:
        """Those that this run asks for."""
        if self._learning is not None:
            yield self._learning
        if self._gradient_noise is not None:
            yield self._gradient_noise

    # ---- the thread

    def _look(self) -> bool:
        """One round of the thread; returns whether to go on."""
        self._guard.run(self._round)
        return self._life.state is not LEFT

    def _round(self) -> None:
        if self._is_open():
            self._take_commands()
            self._total.prepare()
            self._arrival.look(self._life, self._windows is not None and self._windows.open)
            if self._life.state is not LEAVING and self._looks % FLUSH_EVERY == 0:
                self._write()
            self._looks += 1
            self._writer_ns = self._earlier_writers_ns + thread_time_ns()
        if self._life.state is LEAVING:
            self._leave()

    def _is_open(self) -> bool:
        """Whether this process has an event stream, or should open one now."""
        if self._introduced or self._opening is not Opening.AT_FIRST_STEP:
            return True
        return self._tracker.steps > 0 or self._rank.joined

    def _take_commands(self) -> None:
        for command in self._control.new_commands():
            if command.action == DETACH:
                self._life.ask(Request.LEAVE, DETACH)
            else:
                self._commands.append(command)

    def _leave(self) -> None:
        self.remove()
        self._ending.leave()
        self._say_goodbye()
        self._on_left()

    def _say_goodbye(self, reason: str = "", exit_code: int | None = None) -> None:
        if self._life.ask(Request.END, reason) and self._is_open():
            now_ns = time.time_ns()
            self._write()
            self._outbox.put(self._tracker.status(self._writer_ns))
            fatal = self._ending.fatal() if self._life.reason == EXIT else Fatal()
            self._outbox.put(ByeEvent(self._life.reason, now_ns, *fatal, exit_code))
            self._outbox.flush()

    # ---- the stream

    def _introduce(self) -> None:
        with self._introducing:
            if not self._introduced:
                self._outbox.introduce(self._arrival.introduction(self._torch, self._settings))
                self._introduced = True

    def _write_steps(self) -> None:
        """Runs on the training thread."""
        self._introduce()
        self._outbox.flush_if_free()

    def _write(self) -> None:
        self._introduce()
        self._rank.look()
        if self._manager is not None:
            for event in self._manager.news(self._tracker.steps, final=self._life.state is LEFT):
                self._outbox.put(event)
        for news in (*self._loaders.news(final=self._life.state is LEFT), *self._collectives.news()):
            self._outbox.put(news)
        if self._tracker.steps == 0:
            self._tell_progress()
        elif self._looks % (2 * FLUSH_EVERY) == 0:
            self._outbox.put(self._tracker.status(self._writer_ns))
        self._outbox.flush()

    def _tell_progress(self) -> None:
        progress = self._tracker.progress()
        seen = replace(progress, unix_ns=0)
        if seen != self._seen:
            self._seen = seen
            self._outbox.put(progress)


def _gate(settings: Settings) -> LockstepGate | None:
    if settings.lockstep:
        with suppress(OSError):  # there is no host, or another process of this run takes the turns
            return LockstepGate(settings.folder)
    return None


def _nothing(names: Collection[str]) -> None:
    pass
