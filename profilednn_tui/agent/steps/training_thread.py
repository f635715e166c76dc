"""Which thread trains: the first that shows a sign of training, until another shows a better one."""

from __future__ import annotations

from _thread import get_ident

from .timeline import GAP, Timeline


class Sign:
    """The better, the higher: a thread that only fetches batches does not train if another calls the model."""

    NONE, BATCH, FORWARD, BACKWARD, UPDATE = range(5)


class TrainingThread:
    """Keeps `Timeline.thread`."""

    def __init__(self, timeline: Timeline) -> None:
        self._timeline = timeline
        self._sign = Sign.NONE
        """The best that the training thread has shown."""
        self._other: int | None = None
        """The thread that has called a model last, of those that do not train."""

    def is_me(self, sign: int) -> bool:
        """Whether the calling thread is the one that trains, now that it shows this sign."""
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

    def has_learned(self) -> None:
        """The training thread makes a backward pass."""
        if self._sign < Sign.BACKWARD:
            self._sign = Sign.BACKWARD

    def has_updated(self) -> None:
        """The calling thread makes an update: it is the one that trains, whatever there was before."""
        self._timeline.thread, self._sign = get_ident(), Sign.UPDATE

    def _is_its_own(self, thread: int) -> bool:
        """Whether a backward pass of another thread is that of a training there, and no help for the training thread,
        which waits for one."""
        return self._other == thread or self._timeline.current != GAP
