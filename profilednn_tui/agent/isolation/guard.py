"""The error boundary between training and the agent: failures in the agent are reported, and training continues."""

from __future__ import annotations

import ctypes
import os
import sys
import time
import traceback
from types import TracebackType
from typing import Any, Callable, TypeVar

from ...protocol.events import AgentErrorEvent

Result = TypeVar("Result")

MAX_ERRORS = 5
OUR_FOLDER = os.path.dirname(os.path.dirname(os.path.abspath(__file__))) + os.sep


class Guard:
    """Runs the agent's code; after `MAX_ERRORS` failures the agent gives up permanently.

    `SystemExit` passes through: it ends a run with ``--steps``.
    """

    def __init__(self, report: Callable[[Any], None], give_up: Callable[[], None] | None = None) -> None:
        self._report = report
        self._give_up = give_up
        """Called once, when there have been too many failures."""
        self._errors = 0

    def run(self, function: Callable[..., Result], *arguments: Any) -> Result | None:
        """The function's result, or None when it failed."""
        try:
            return function(*arguments)
        except Exception as error:  # noqa: BLE001 - the error boundary
            self.failed(getattr(function, "__qualname__", str(function)), error)
            return None

    def failed(self, where: str, error: BaseException) -> None:
        """Report a failure; never raises."""
        try:
            text = "".join(traceback.format_exception(type(error), error, error.__traceback__)[-3:])
            self._report(AgentErrorEvent(where, text.strip()[:2000], time.time_ns()))
            self._errors += 1
            if self._errors == MAX_ERRORS and self._give_up is not None:
                self._give_up()
        except Exception:  # noqa: BLE001, S110 - the last resort: nothing may reach the training
            pass


def attempt(function: Callable[..., Result], *arguments: Any) -> tuple[Result | None, Exception | None]:
    """Call a function and return its result or its exception, for code that handles its own failures."""
    try:
        return function(*arguments), None
    except Exception as error:  # noqa: BLE001 - an error boundary, too
        return None, error


def without_our_frame(error: BaseException) -> None:
    """Drop the caller's own entry, the first one, from the traceback of the exception being handled.

    The bare ``raise`` that follows adds no new entry, so the program sees the traceback of a plain run: CPython adds
    one where an exception leaves a frame, not where it is re-raised. Up to Python 3.10, the bare ``raise`` takes the
    traceback from the thread state; from 3.11 on, from the exception.
    """
    if error.__traceback__ is not None:
        _set_traceback(error, error.__traceback__.tb_next)


def without_our_frames(error: BaseException) -> None:
    """Drop all of the agent's leading entries from the traceback, for wrappers that nest several calls of ours."""
    entry = error.__traceback__
    while entry is not None and entry.tb_frame.f_code.co_filename.startswith(OUR_FOLDER):
        entry = entry.tb_next
    _set_traceback(error, entry)


def _set_traceback(error: BaseException, entry: TracebackType | None) -> None:
    error.__traceback__ = entry
    if sys.version_info < (3, 11) and error.__traceback__ is not None:
        handled = (type(error), error, error.__traceback__)
        for item in handled:
            ctypes.pythonapi.Py_IncRef(ctypes.py_object(item))  # the next call steals a reference to each
        ctypes.pythonapi.PyErr_SetExcInfo(*map(ctypes.py_object, handled))
