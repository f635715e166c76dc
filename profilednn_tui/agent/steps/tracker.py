"""The core of the agent: listens to the hooks, counts steps, and handles windows and commands at step boundaries."""

from __future__ import annotations

import sys
import time
from _thread import get_native_id
from collections import deque
from time import perf_counter_ns
from typing import Any, Callable

from ...protocol.events import Command, NoticeEvent, ProgressEvent, StatusEvent, StepsEvent, StepSourceEvent
from ...protocol.vocabulary import (
    BUDGET,
    DETACH,
    INFO,
    MEMORY_NOW,
    PAUSE_WINDOWS,
    SET_THREADS,
    STOP_AFTER,
    SWITCH,
    WINDOW_NOW,
)
from ..collectives.recorder import Collectives
from ..life.states import LEAVING, LISTENING, Life, Request
from ..memory.account import MemoryAccounts
from ..memory.allocation_window import AllocationWindow
from ..recording.outbox import Outbox
from ..windows.window import Windows
from .boundaries import Beginning, Boundaries, Mark, any_optimizer_class_in_use
from .conditions import OPTIMIZER_STEPS, Conditions
from .first_inputs import FirstInputs
from .input_sizes import InputSizes
from .lockstep import LockstepGate
from .loss import LossReader
from .loss_scale import ScaledLosses
from .root_modules import RootModule, RootModules
from .switching import Switching
from .timeline import Cut, Timeline
from .total import TrainingTotal

NOT_BEGUN = Cut(0, ())
LOOK_INTERVAL_NS = 5_000_000
SEEN_SHARE = 0.5
"""Share of their cost that the hooks can time themselves. The rest is entering and leaving them and cache misses they
cause (measured against steps without hooks: 19 of 38 us, with one thread and with two)."""
FIRST_MINUTE_NS = 60_000_000_000
FIRST_STEPS = 8
"""`_look` runs at the end of each of these, however fast they are."""


class StepTracker:
    """A `hooks.Listener`: reacts to each sign of training, on the training thread."""

    def __init__(
        self,
        torch: Any,
        timeline: Timeline,
        outbox: Outbox,
        life: Life,
        commands: deque[Command],
        roots: RootModules,
        windows: Windows | None,
        allocations: AllocationWindow | None,
        *,
        came_ns: int,
        stop_after: int | None,
        late: bool,
        lockstep: LockstepGate | None,
        switching: Switching,
        collectives: Collectives,
        total: TrainingTotal,
        agent_bytes: int,
        learn_rank: Callable[[], None],
        warming_up: Callable[[], bool],
        after_step: Callable[[], None],
    ) -> None:
        self._timeline = timeline
        self._outbox = outbox
        self._life = life
        self._commands = commands
        self._roots = roots
        self._windows = windows
        self._allocations = allocations
        self._came_ns = came_ns
        """When the agent started."""
        self._stop_after = stop_after
        self._late = late
        """Whether training may have begun before the agent; if so, `stop_after` ends only the recording."""
        self._lockstep = lockstep
        """Set in an experiment whose variants run in lockstep."""
        self._switching = switching
        """Changes settings between steps, if asked to."""
        self._collectives = collectives
        self._total = total
        """Finds out how long the training will be."""
        self._learn_rank = learn_rank
        """Called at the end of each of the first steps: a short run may be over before the agent's thread checks."""
        self._warming_up = warming_up
        """Whether an optimization warmed up in the step that just ended."""
        self._after_step = after_step
        self._joining = late
        """Whether the first boundary, which does not end a whole step, is still to come."""
        self._loss_reader = LossReader(torch)
        self._scaled = ScaledLosses(self._loss_reader)
        self._first_inputs = FirstInputs(torch, outbox.put)
        self._input_sizes = InputSizes(torch)
        self._conditions = Conditions(torch, roots, outbox.put)
        self._accounts = MemoryAccounts(torch, roots, self._conditions.optimizers, agent_bytes, outbox.put)
        self._beginning = Beginning()
        self._boundaries = Boundaries(lambda: any_optimizer_class_in_use(torch.optim.Optimizer))
        self._last = NOT_BEGUN
        self._first_ns = 0
        self._loss: float | None = None
        self._loss_read = False
        """Whether a loss has been read since the last update."""
        self._source: str | None = None
        """What ends a step, as last reported."""
        self._flags = StepsEvent.FIRST
        """Flags of the current step."""
        self._look_ns = 0
        self._nested = 0
        """Number of calls of modules inside others."""
        self._nested_call_ns = 0.0
        """Cost of one such call."""
        self.steps = 0

    # ---- signs of training (hooks.Listener)

    def before_hooks(self, nested_call_ns: float) -> None:
        """Called before the hooks are installed."""
        self._nested_call_ns = nested_call_ns

    def before_batch(self) -> None:
        """Called before a DataLoader is asked for a batch."""
        boundaries = self._boundaries
        boundaries.batches += 1
        if self._last is NOT_BEGUN:
            self._beginning.on_batch(self._timeline.cut)
        if self._life.state is not LISTENING:
            self._give_up_window()
        if boundaries.batch_may_end():
            self._reach(boundaries.on_batch(self._mark(self._timeline.cut())))

    def no_batch(self) -> None:
        """Called if the DataLoader had no batch left."""
        if self._last is NOT_BEGUN:
            self._beginning.on_last_batch()

    def before_forward(self, module: Any, arguments: Any, keywords: Any) -> bool:
        """Called before a root module; returns whether the module may compute the loss, as it has no parameters."""
        boundaries = self._boundaries
        boundaries.forwards += 1
        root = self._root(module)
        if root.learns and not self._late:
            self._first_inputs.look(arguments, keywords)
        if self.steps + 1 == self._conditions.due:
            self._conditions.before_forward(root.learns, arguments, keywords)
        if self._last is NOT_BEGUN:
            self._beginning.on_forward(module, self._timeline.cut)
        elif boundaries.learned and boundaries.forward_may_end() and not self._timeline.updating:
            self._reach(boundaries.on_forward(module, self._mark(self._timeline.cut())))
        if root.learns and self._switching.active:
            self._input_sizes.add(arguments, keywords)
        return not root.learns

    def before_inference(self, module: Any) -> None:
        """Called before a root module without gradients; on any thread until one has trained."""
        boundaries = self._boundaries
        boundaries.inferences += 1
        self._root(module)
        if self._last is NOT_BEGUN:
            self._beginning.on_inference()
        elif boundaries.learned and boundaries.may_pause() and not self._timeline.updating:
            boundaries.pause(self._mark(self._timeline.last_switch()))

    def is_loss(self, result: Any) -> bool:
        """Whether the result of a module without parameters is a single number."""
        return self._loss_reader.is_number(result)

    def scaled(self, scaler: Any, outputs: Any, result: Any) -> None:
        """Called when a GradScaler has scaled losses."""
        self._scaled.add(scaler, outputs, result)

    def before_backward(self, tensors: Any, keeps_graph: bool) -> None:
        """Called before the backward pass."""
        if self._last is NOT_BEGUN:
            self._begin(self._beginning.cut or self._timeline.cut())
        self._collectives.before_backward(tensors)
        self._learn(tensors, keeps_graph)

    def before_backward_elsewhere(self, tensors: Any) -> None:
        """Called before a backward pass that another thread makes for the training thread."""
        if self._last is NOT_BEGUN:
            self._begin(self._beginning.cut or self._timeline.last_switch())
        self._learn(tensors, keeps_graph=False)

    def before_update_elsewhere(self) -> None:
        """Called before an update on another thread that trains for itself: it may have been the training thread."""
        self._give_up_window()

    def after_update(self, optimizer: Any, cut: Cut) -> None:
        """Called when an optimizer has updated its parameters."""
        if self._last is NOT_BEGUN:
            self._begin(self._beginning.cut or cut)
        self._scaled.clear()
        self._loss_read = False
        if self.steps + OPTIMIZER_STEPS >= self._conditions.due:
            self._conditions.after_update(optimizer)
        self._collectives.after_update(optimizer)
        self._reach(self._boundaries.on_update(optimizer, self._mark(cut)))

    def at_end(self) -> None:
        """Called at the end of the program: no sign of training will follow, so decide on the remaining steps now."""
        if self._joining or self._life.state >= LEAVING:
            return
        marks, unended = self._boundaries.at_end(self._mark(self._timeline.last_switch()))
        if marks:
            self._report_source()
        for mark in marks:
            if not self._enough():
                self._record_step(mark, StepsEvent.LAST * (unended and mark is marks[-1]))

    def _learn(self, tensors: Any, keeps_graph: bool) -> None:
        if not self._boundaries.on_backward(keeps_graph):
            return
        if self.steps + 1 >= self._conditions.due:
            self._conditions.before_backward(self.steps + 1, tensors, self._first_ns)
        if self._loss_read and self._timeline.updating:
            return  # a closure is called again: `step` returns the loss of its first call
        loss = self._scaled.read(tensors)
        if loss is not None:
            self._loss = loss
            self._loss_read = True

    def _give_up_window(self) -> None:
        if self._windows is not None:
            self._windows.give_up()
        if self._allocations is not None:
            self._allocations.give_up()

    # ---- steps

    def _begin(self, cut: Cut) -> None:
        self._last = cut
        self._first_ns = cut.now_ns
        self._timeline.hooks_ns = self._nested = 0  # earlier costs belong to no step and do not count as overhead

    def _mark(self, cut: Cut) -> Mark:
        return Mark(cut, self._loss)

    def _reach(self, marks: list[Mark]) -> None:
        """Record the steps that ended at `marks`, the newest of which is now; empty while step ends are unknown."""
        if not self._boundaries.learned:
            self._loss = None  # it is in the newest mark
        if not marks:
            return
        self._report_source()
        if self._joining:
            # Training had begun before the agent: the first whole step begins here.
            self._joining = False
            self._last = marks.pop(0).cut
            self._first_ns = self._last.now_ns
            if not marks:
                self._last = cut = self._timeline.cut()
                self._look(cut, cut, StepsEvent.FIRST)
                return
        if len(marks) > 1:
            self._give_up_window()  # it covers several steps
        for mark in marks[:-1]:
            if self._enough():
                break
            self._record_step(mark)
        self._end_step(marks[-1])

    def _report_source(self) -> None:
        source, reason = self._boundaries.source or "", self._boundaries.reason
        if source == self._source:
            return
        self._source = source
        self._outbox.put(StepSourceEvent(source, reason, get_native_id(), time.time_ns()))

    def _enough(self) -> bool:
        return self._stop_after is not None and self.steps >= self._stop_after

    def _end_step(self, mark: Mark) -> None:
        if self._life.state >= LEAVING:
            return
        last, cut = self._last, mark.cut
        flags = 0 if self._enough() else self._record_step(mark)
        enough = self._enough()
        if enough and self._late:
            self._life.ask(Request.LEAVE, DETACH)
        leaves = self._life.state is not LISTENING
        planned = self._lockstep is not None or self._switching.active
        soon = flags or leaves or self._commands or planned or self.steps <= FIRST_STEPS
        if soon or cut.now_ns >= self._look_ns:
            self._look(last, cut, flags)
        self._after_step()
        if enough and not self._late:
            self._stop()

    def _record_step(self, mark: Mark, more_flags: int = 0) -> int:
        self.steps += 1
        flags = self._flags | self._warming_up() * StepsEvent.WARM_UP | more_flags
        self._outbox.put_step((self.steps, self._last, mark.cut, mark.loss, flags))
        self._collectives.end_step(self.steps, mark.cut.now_ns)
        if self._switching.active:
            self._input_sizes.end_step(self.steps)
        self._last = mark.cut
        self._flags = StepsEvent.DISTURBED if flags & StepsEvent.PROFILED else 0
        return flags

    def _look(self, last: Cut, cut: Cut, flags: int) -> None:
        """Handle windows and commands, which need not happen at the end of every fast step."""
        self._look_ns = cut.now_ns + LOOK_INTERVAL_NS
        if self.steps <= FIRST_STEPS:
            self._learn_rank()
        while self._commands:
            self._obey(self._commands.popleft())
        self._collectives.look()
        self._total.look(self.steps, cut.now_ns, None if self._late else self._stop_after)
        windows = self._windows
        duration_ns, elapsed_ns = cut.now_ns - last.now_ns, cut.now_ns - self._first_ns
        allocations = self._allocations
        if windows is not None and windows.open and not (windows.begun or (allocations and allocations.begun)):
            self._give_up_window()  # opened by this thread, when the training had moved on
        if windows is not None and windows.begun:
            windows.finish(self.steps, duration_ns, elapsed_ns)
        elif windows is not None and allocations is not None and allocations.begun:
            self._flags |= allocations.end_step(self.steps, duration_ns, windows.plain_ns or duration_ns)
            windows.ended_step = self.steps
        elif windows is not None and not flags:
            windows.add_plain_step(duration_ns)
        profiles = windows is not None and windows.budget.budget_percent > 0
        by_itself = (
            profiles and self._lockstep is None and not self._switching.active
        )  # no other run is timed against it
        if self._accounts.due(self.steps, cut.now_ns - self._came_ns, by_itself):
            self._accounts.take(self.steps, self._timeline.others_train)
            self._last = Cut(self._timeline.skip(), cut.totals_ns)
        if self._lockstep is not None and self._lockstep.is_due(cut.now_ns) and self.steps != self._stop_after:
            self._take_turn(self._lockstep)
        if self._switching.is_due(self.steps):
            self._outbox.put(self._input_sizes.take())
            self._switching.switch()
            self._flags |= StepsEvent.SWITCHED
        if self._life.state is not LISTENING:
            self._switching.restore()
            self._life.ask(Request.RELEASE)
        elif windows is None or windows.open or windows.ended_step == self.steps or not self._timeline.steady:
            pass  # only the thread that opens a window can close it, and none opens where one has closed
        elif allocations is not None and allocations.wanted:
            self._flags |= allocations.start()
        elif windows.due(self.steps, elapsed_ns, self._others_ns(), cut.now_ns - self._came_ns):
            self._flags |= windows.start(elapsed_ns)
        if self._flags:
            # The agent's work since the cut belongs to no step.
            self._last = Cut(self._timeline.skip(), cut.totals_ns)

    def _take_turn(self, lockstep: LockstepGate) -> None:
        """Wait for our turn; that time is in no step and does not count as run time."""
        before_ns = self._timeline.skip()
        lockstep.wait()
        now_ns = self._timeline.skip()
        self._first_ns += now_ns - before_ns
        self._came_ns += now_ns - before_ns
        self._last = self._last._replace(now_ns=now_ns)
        lockstep.begin(now_ns)

    def _obey(self, command: Command) -> None:
        if command.action == STOP_AFTER:
            self._stop_after = self.steps + int(command.value)
        elif command.action == SWITCH:
            self._switching.begin(self.steps)
        elif command.action == SET_THREADS:
            self._switching.end()
            self._switching.set_threads(int(command.value))
            self._flags |= StepsEvent.SWITCHED
        elif command.action == MEMORY_NOW:
            self._accounts.want_now()
            if self._allocations is not None:
                self._allocations.wanted = True
        elif self._windows is not None:
            budget = self._windows.budget
            if command.action == WINDOW_NOW:
                budget.want_now()
            elif command.action == BUDGET:
                budget.budget_percent = command.value
            else:
                budget.paused = command.action == PAUSE_WINDOWS

    def _stop(self) -> None:
        self._outbox.put(NoticeEvent(INFO, "stopped", f"ended after {self.steps} steps, as requested", time.time_ns()))
        sys.exit(0)  # on the training thread, as if the program had called it, so that its clean-up runs

    def _root(self, module: Any) -> RootModule:
        """Look up a module that the program has called."""
        if self._life.state is not LISTENING:
            self._give_up_window()
        root = self._roots.look_up(module)
        self._nested += root.nested
        return root

    # ---- read by the agent's thread

    def progress(self) -> ProgressEvent:
        """The signs of training so far."""
        seen = self._boundaries
        return ProgressEvent(
            seen.batches, seen.forwards, seen.backwards, seen.optimizer_steps, time.time_ns(), seen.inferences
        )

    def _hooks_ns(self) -> int:
        return int(self._timeline.hooks_ns / SEEN_SHARE + self._nested * self._nested_call_ns)

    def _others_ns(self) -> int:
        """The cost of everything but windows of operators."""
        allocations_ns = self._allocations.spent_ns if self._allocations is not None else 0
        return self._hooks_ns() + self._accounts.spent_ns + allocations_ns

    def status(self, writer_ns: int) -> StatusEvent:
        """The agent's state and its costs so far."""
        budget = self._windows.budget if self._windows is not None else None
        now_ns = perf_counter_ns()
        elapsed_ns = now_ns - self._first_ns if self._first_ns else 0
        run_ns = max(elapsed_ns, min(now_ns - self._came_ns, FIRST_MINUTE_NS)) if elapsed_ns else 0
        hooks_ns = self._others_ns()
        windows_ns = budget.spent_ns if budget is not None else 0
        cost_ns = hooks_ns + windows_ns + writer_ns
        return StatusEvent(
            steps=self.steps,
            windows=budget.windows if budget is not None else 0,
            budget_percent=budget.budget_percent if budget is not None else 0.0,
            paused=budget.paused if budget is not None else False,
            elapsed_ns=elapsed_ns,
            hooks_ns=hooks_ns,
            windows_ns=windows_ns,
            writer_ns=writer_ns,
            overhead_percent=round(100 * cost_ns / run_ns, 4) if run_ns else 0.0,
            dropped_events=self._outbox.dropped,
            unix_ns=time.time_ns(),
            run_ns=run_ns,
        )
