"""Turns in a lockstep comparison: a target waits at a step boundary until the host lets it continue."""

from __future__ import annotations

import fcntl
import os

from ...protocol.files import TURN_BEGINS, TURN_ENDED

TURN_NS = 10_000_000
"""A turn ends at the first boundary after this time: a switch costs 0.1 ms and the contents of the caches."""


class LockstepGate:
    """The target's side of the two pipes in the session folder; stays open if there is no host at their other ends."""

    def __init__(self, folder: str) -> None:
        """Raises `OSError` if there is no host, or if another process of this target takes the turns."""
        self._ended = os.open(os.path.join(folder, TURN_ENDED), os.O_WRONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        fcntl.flock(self._ended, fcntl.LOCK_EX | fcntl.LOCK_NB)
        self._begins = os.open(os.path.join(folder, TURN_BEGINS), os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        os.set_blocking(self._begins, True)
        self._until_ns = 0
        self._open = False

    def is_due(self, now_ns: int) -> bool:
        """Whether the turn ends at the boundary reached now."""
        return not self._open and now_ns >= self._until_ns

    def wait(self) -> None:
        """End the turn and wait for the next."""
        try:
            os.write(self._ended, b".")
            self._open = not os.read(self._begins, 1)
        except OSError:  # the host is gone
            self._open = True

    def begin(self, now_ns: int) -> None:
        """Begin a turn."""
        self._until_ns = now_ns + TURN_NS
