"""Identifies the training thread: the first that shows a sign of training, until another shows a better one.

Several threads may train at the same time, each with an optimizer of its own: then one of them is watched, as long as
it makes updates. A training that moves from thread to thread takes its optimizer along.
"""

from __future__ import annotations

import sys
import weakref
from _thread import get_ident
from typing import Any

from .timeline import GAP, Timeline

IDLE_UPDATES, IDLE_NS = 16, 1_000_000_000
"""Another thread is watched once the training thread was seen waiting at so many of its updates, for so long."""
SILENT_NS = 60_000_000_000
"""Or once the training thread has made no update for so long, whatever it does."""
_WAITING = frozenset({"join", "wait", "_wait_for_tstate_lock"})
"""Functions of `threading` in which a thread waits for others."""


class Sign:
    """Higher is better: a thread that only fetches batches is not the training thread if another calls the model."""

    NONE, BATCH, FORWARD, BACKWARD, UPDATE = range(5)


class TrainingThread:
    """Maintains `Timeline.thread`."""

    def __init__(self, timeline: Timeline) -> None:
        self._timeline = timeline
        self._sign = Sign.NONE
        """The best sign that the training thread has shown."""
        self._callers: set[int] = set()
        """Other threads that have called a model: what they do, they do for themselves."""
        self._optimizers: weakref.WeakSet[Any] = weakref.WeakSet()
        """Those of the training that is watched."""
        self._idle_updates = 0
        """Of another thread, at all of which the training thread was seen waiting."""
        self._another_updates = False
        """Whether another thread has made an update of its own since the training thread's last one."""
        self._updated_ns = 0
        """When the training thread made its last update."""

    def is_me(self, sign: int) -> bool:
        """Whether the calling thread is the training thread, given that it shows this sign."""
        timeline, thread = self._timeline, get_ident()
        if timeline.thread is None:
            timeline.thread, self._sign = thread, sign
            timeline.skip()  # time before the first activity belongs to no step
        elif timeline.thread != thread:
            if sign <= self._sign or (sign == Sign.BACKWARD and not self._is_its_own(thread)):
                if sign == Sign.FORWARD:
                    self._callers.add(thread)
                return False
            timeline.thread, self._sign = thread, sign
        return True

    def saw_backward(self) -> None:
        """The training thread runs a backward pass."""
        if self._sign < Sign.BACKWARD:
            self._sign = Sign.BACKWARD

    def updates(self, optimizer: Any) -> bool:
        """The calling thread is about to run an update; returns whether it is one of the training that is watched."""
        timeline, thread = self._timeline, get_ident()
        moves = timeline.thread != thread
        if moves and self._sign == Sign.UPDATE and optimizer not in self._optimizers:
            if self._is_busy():
                self._another_updates = True
                return False
            self._another_updates = False
            self._optimizers.clear()
            timeline.skip()
        timeline.others_train |= self._another_updates
        if optimizer not in self._optimizers:
            self._optimizers.add(optimizer)
        self._idle_updates = 0
        self._updated_ns = timeline.now()
        timeline.steady = not moves or self._sign != Sign.UPDATE
        timeline.thread, self._sign = thread, Sign.UPDATE
        return True

    def _is_busy(self) -> bool:
        """Whether the training thread may go on training."""
        frame = sys._current_frames().get(self._timeline.thread or 0)
        if frame is None:
            return False
        silent_ns = self._timeline.now() - self._updated_ns
        waits = frame.f_code.co_name in _WAITING and frame.f_globals.get("__name__") == "threading"
        self._idle_updates = self._idle_updates + 1 if waits else 0
        idle = self._idle_updates >= IDLE_UPDATES and silent_ns > IDLE_NS
        return not idle and silent_ns < SILENT_NS

    def is_its_own(self) -> bool:
        """Whether the calling thread, another than the training thread, has called a model itself."""
        return get_ident() in self._callers

    def _is_its_own(self, thread: int) -> bool:
        """Whether a backward pass on another thread belongs to training there; otherwise it is run on behalf of the
        training thread, which waits for it."""
        return thread in self._callers or self._timeline.current != GAP
