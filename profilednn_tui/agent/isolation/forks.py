"""Which agent is at work in this process, and its ties to the process's forks and end.

Python keeps what was registered for forks for ever, so that is done once, whatever comes and goes. ``os._exit`` is
replaced while an agent is there: `multiprocessing` ends forked children by it, and nothing else would tell of it.
"""

from __future__ import annotations

import atexit
import functools
import os
from typing import Any

from .guard import without_our_frame

_present: list[Any] = []
_registered = False


def current() -> Any:
    """The agent at work, or None."""
    return _present[0] if _present else None


def enter(agent: Any) -> None:
    """From now on the agent is told of forks and of the interpreter's end."""
    global _registered
    _present.append(agent)
    if os._exit is _end_at_once:
        setattr(os, "_exit", _tell_and_end_at_once)  # noqa: B010 - mypy knows a type of its own for it
    if not _registered:
        _registered = True
        os.register_at_fork(before=_before, after_in_parent=_after, after_in_child=_after_in_child)
    atexit.register(agent.at_exit)


def leave(agent: Any) -> None:
    """Undo `enter`."""
    if agent in _present:
        _present.remove(agent)
        atexit.unregister(agent.at_exit)
    if not _present and os._exit is _tell_and_end_at_once:
        setattr(os, "_exit", _end_at_once)  # noqa: B010


def _before() -> None:
    for agent in tuple(_present):
        agent.before_fork()


def _after() -> None:
    for agent in tuple(_present):
        agent.after_fork()


def _after_in_child() -> None:
    for agent in tuple(_present):
        agent.after_fork_in_child()


_end_at_once: Any = os._exit


@functools.wraps(_end_at_once)
def _tell_and_end_at_once(*arguments: Any, **keywords: Any) -> None:
    try:
        if [type(value) for value in (*arguments, *keywords.values())] == [int]:  # else it raises
            for agent in tuple(_present):
                agent.at_exit()
    finally:
        try:
            _end_at_once(*arguments, **keywords)
        except BaseException as error:
            without_our_frame(error)
            raise


_tell_and_end_at_once.__module__ = os.__name__  # where pickle finds it
