"""Which agent is at work in this process, and its ties to the process's forks and end.

Python keeps what was registered for forks for ever, so that is done once, whatever comes and goes.
"""

from __future__ import annotations

import atexit
import os
from typing import Any

_present: list[Any] = []
_registered = False


def current() -> Any:
    """The agent at work, or nothing."""
    return _present[0] if _present else None


def enter(agent: Any) -> None:
    """From now on the agent is told of forks and of the interpreter's end."""
    global _registered
    _present.append(agent)
    if not _registered:
        _registered = True
        os.register_at_fork(before=_before, after_in_parent=_after, after_in_child=_after_in_child)
    atexit.register(agent.at_exit)


def leave(agent: Any) -> None:
    """Undo `enter`."""
    if agent in _present:
        _present.remove(agent)
        atexit.unregister(agent.at_exit)


def _before() -> None:
    for agent in tuple(_present):
        agent.before_fork()


def _after() -> None:
    for agent in tuple(_present):
        agent.after_fork()


def _after_in_child() -> None:
    for agent in tuple(_present):
        agent.after_fork_in_child()
