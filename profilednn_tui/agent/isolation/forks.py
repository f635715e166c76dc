"""The agent running in this process, and its handlers for forks and for the end of the process.

Fork handlers cannot be unregistered, so they are registered once, however many agents come and go. ``os._exit`` is
replaced while an agent is present: `multiprocessing` ends forked children with it, which runs no other handler.
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
    """The running agent; None if there is none."""
    return _present[0] if _present else None


def enter(agent: Any) -> None:
    """Notify the agent of forks and of the end of the interpreter from now on."""
    global _registered
    _present.append(agent)
    if os._exit is _original_exit:
        setattr(os, "_exit", _notify_and_exit)  # noqa: B010 - mypy rejects the plain assignment
    if not _registered:
        _registered = True
        os.register_at_fork(before=_before, after_in_parent=_after, after_in_child=_after_in_child)
    atexit.register(agent.at_exit)


def leave(agent: Any) -> None:
    """Undo `enter`."""
    if agent in _present:
        _present.remove(agent)
        atexit.unregister(agent.at_exit)
    if not _present and os._exit is _notify_and_exit:
        setattr(os, "_exit", _original_exit)  # noqa: B010


def _before() -> None:
    for agent in tuple(_present):
        agent.before_fork()


def _after() -> None:
    for agent in tuple(_present):
        agent.after_fork()


def _after_in_child() -> None:
    for agent in tuple(_present):
        agent.after_fork_in_child()


_original_exit: Any = os._exit


@functools.wraps(_original_exit)
def _notify_and_exit(*arguments: Any, **keywords: Any) -> None:
    try:
        given = [*arguments, *keywords.values()]
        if [type(value) for value in given] == [int]:  # otherwise it raises
            for agent in tuple(_present):
                agent.at_exit(given[0] & 0xFF)
    finally:
        try:
            _original_exit(*arguments, **keywords)
        except BaseException as error:
            without_our_frame(error)
            raise


_notify_and_exit.__module__ = os.__name__  # where pickle looks it up
