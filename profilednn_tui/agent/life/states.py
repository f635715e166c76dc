"""The life of the agent in one process: its states, and what leads from one to the next."""

from __future__ import annotations

from _thread import RLock
from enum import Enum, IntEnum


class State(IntEnum):
    """In the order of a life, so that `<` means "not yet" and `>=` means "already"."""

    STARTING = 0
    """The hooks are not installed yet."""
    LISTENING = 1
    """Steps are recorded, and windows open."""
    FINISHING = 2
    """The agent was asked to leave: steps are still recorded, but no further window opens."""
    LEAVING = 3
    """Nothing is open or recorded any more: the agent's thread removes the hooks and says goodbye."""
    LEFT = 4
    """The goodbye is said."""


# The hooks compare with these at every call, and before Python 3.12 a lookup in the enum is slow.
STARTING, LISTENING, FINISHING, LEAVING, LEFT = State


class Request(Enum):
    """What the parts of the agent ask for."""

    LISTEN = "listen"
    """The hooks are about to be installed."""
    LEAVE = "leave"
    """The host, its absence or the number of steps wants the agent to go."""
    RELEASE = "release"
    """A step boundary is reached and no window is open; where no boundary comes, patience has run out."""
    GIVE_UP = "give up"
    """The agent has failed too often."""
    END = "end"
    """The goodbye is about to be said: after `LEAVING`, or because the process ends."""


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
"""Every other request changes nothing: it comes too early or too late."""


class Life:
    """The only owner of the state. Any thread may ask; a forked child gets a life of its own."""

    def __init__(self) -> None:
        self.state = STARTING
        self.reason = ""
        """Why the agent leaves, in the words of the contract."""
        # Reentrant, because a signal handler of the program may train, and so ask, in the middle of a request.
        self._lock = RLock()

    def ask(self, request: Request, reason: str = "") -> bool:
        """Make the transition; returns whether there is one from the present state."""
        with self._lock:
            following = TRANSITIONS.get((self.state, request))
            if following is None:
                return False
            self.reason = reason or self.reason
            self.state = following
            return True
