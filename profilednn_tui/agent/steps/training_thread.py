"""Identifies the training thread: the first that shows a sign of training, until another shows a better one."""

from __future__ import annotations

from _thread import get_ident

from .timeline import GAP, Timeline


class Sign:
    """Higher is better: a thread that only fetches batches is not the training thread if another calls the model."""

    NONE, BATCH, FORWARD, BACKWARD, UPDATE = range(5)


class TrainingThread:
    """Maintains `Timeline.thread`."""

    def __init__(self, timeline: Timeline) -> None:
        self._timeline = timeline
        self._sign = Sign.NONE
        """The best sign that the training thread has shown."""
        self._other: int | None = None
        """The other thread that most recently called a model."""

    def is_me(self, sign: int) -> bool:
        """Whether the calling thread is the training thread, given that it shows this sign."""
        timeline, thread = self._timeline, get_ident()
        if timeline.thread is None:
            timeline.thread, self._sign = thread, sign
            timeline.skip()  # time before the first activity belongs to no step
        elif timeline.thread != thread:
            if sign <= self._sign or (sign == Sign.BACKWARD and not self._is_its_own(thread)):
                self._other = thread if sign == Sign.FORWARD else self._other
                return False
            timeline.thread, self._sign = thread, sign
        return True

    def saw_backward(self) -> None:
        """The training thread runs a backward pass."""
        if self._sign < Sign.BACKWARD:
            self._sign = Sign.BACKWARD

    def saw_update(self) -> None:
        """The calling thread runs an update, so it is the training thread, whatever was seen before."""
        self._timeline.thread, self._sign = get_ident(), Sign.UPDATE

    def _is_its_own(self, thread: int) -> bool:
        """Whether a backward pass on another thread belongs to training there; otherwise it is run on behalf of the
        training thread, which waits for it."""
        return self._other == thread or self._timeline.current != GAP
