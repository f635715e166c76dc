"""The life cycle of the agent in one process: its states and transitions."""

from __future__ import annotations

from _thread import RLock
from enum import Enum, IntEnum


class State(IntEnum):
    """In chronological order, so that `<` means "not yet" and `>=` means "already"."""

    STARTING = 0
    """The hooks are not installed yet."""
    LISTENING = 1
    """Steps are recorded and windows are opened."""
    FINISHING = 2
    """The agent was asked to leave: steps are still recorded, but no more windows are opened."""
    LEAVING = 3
    """Nothing is open or recorded any more: the agent's thread removes the hooks and writes the last events."""
    LEFT = 4
    """The last event is written or about to be."""


# The hooks compare with these in every call, and enum attribute access is slow before Python 3.12.
STARTING, LISTENING, FINISHING, LEAVING, LEFT = State


class Request(Enum):
    """What parts of the agent request."""

    LISTEN = "listen"
    """The hooks are about to be installed."""
    LEAVE = "leave"
    """The host has asked the agent to leave or has disappeared, or the requested steps are done."""
    RELEASE = "release"
    """A step boundary was reached with no window open, or waiting for one has timed out."""
    GIVE_UP = "give up"
    """The agent has failed too often."""
    END = "end"
    """The last events are about to be written: after `LEAVING`, or because the process ends."""


TRANSITIONS: dict[tuple[State, Request], State] = {
    (STARTING, Request.LISTEN): LISTENING,
    (STARTING, Request.GIVE_UP): LEAVING,
    (STARTING, Request.END): LEFT,
    (LISTENING, Request.LEAVE): FINISHING,
    (LISTENING, Request.GIVE_UP): LEAVING,
    (LISTENING, Request.END): LEFT,
    (FINISHING, Request.RELEASE): LEAVING,
    (FINISHING, Request.GIVE_UP): LEAVING,
    (FINISHING, Request.END): LEFT,
    (LEAVING, Request.END): LEFT,
}
"""Any other request is ignored: it comes too early or too late."""


class Life:
    """The only owner of the state. Any thread may make requests; a forked child gets its own `Life`."""

    def __init__(self) -> None:
        self.state = STARTING
        self.reason = ""
        """Why the agent leaves, as a word of the protocol."""
        # Reentrant, because a signal handler of the program may train, and thus make requests, during a request.
        self._lock = RLock()

    def ask(self, request: Request, reason: str = "") -> bool:
        """Make the transition, if there is one from the current state; returns whether there is."""
        with self._lock:
            following = TRANSITIONS.get((self.state, request))
            if following is None:
                return False
            self.reason = reason or self.reason
            self.state = following
            return True
