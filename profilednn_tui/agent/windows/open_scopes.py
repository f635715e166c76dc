"""Ends the program's annotations that are open when a window is closed.

While a profiler is on, each ``torch.profiler.record_function`` scope holds a pointer to its event. When the scope is
left and a profiler is on again, torch writes the end through that pointer, even if it is another profiler by then and
the event's memory has been freed: the write lands in whatever lies there now (SIGSEGV was seen). So scopes that were
entered in a window are ended before it is closed; when the program leaves them later, nothing happens.
"""

from __future__ import annotations

from _thread import get_ident
from types import FunctionType
from typing import Any, Callable

from ..isolation.guard import attempt, without_our_frame

ENTER, EXIT = "__enter__", "__exit__"


class OpenScopes:
    """Knows the scopes that the thread of an open window has entered and not yet left."""

    def __init__(self, torch: Any, scope_class: Any) -> None:
        self._torch = torch
        self._class = scope_class
        self._undo: list[Callable[[], None]] = []
        self._open: dict[int, Any] = {}

    def watch(self) -> None:
        """Begin to note scopes of this thread."""
        opened, this_thread, thread, hide = self._open, get_ident, get_ident(), without_our_frame
        enter, leave = vars(self._class)[ENTER], vars(self._class)[EXIT]

        def __enter__(self: Any) -> Any:  # noqa: N807
            try:
                entered = enter(self)
            except BaseException as error:
                hide(error)
                raise
            if this_thread() == thread:
                opened[id(self)] = self
            return entered

        def __exit__(self: Any, *exception: Any) -> Any:  # noqa: N807
            opened.pop(id(self), None)
            try:
                return leave(self, *exception)
            except BaseException as error:
                hide(error)
                raise

        self._replace(ENTER, enter, __enter__)
        self._replace(EXIT, leave, __exit__)

    def end(self) -> None:
        """End the scopes that are open, and note no more."""
        while self._undo:
            self._undo.pop()()
        end = self._torch.ops.profiler._record_function_exit._RecordFunction
        while self._open:
            _, scope = self._open.popitem()
            with self._torch._C.DisableTorchFunctionSubclass():
                attempt(end, scope.record)

    def _replace(self, name: str, original: Any, wrapper: Any) -> None:
        # TorchScript may compile the class meanwhile: it reads the original's source and looks names up in the globals.
        function = FunctionType(wrapper.__code__, original.__globals__, name, None, wrapper.__closure__)
        function.__wrapped__ = original  # type: ignore[attr-defined]
        setattr(self._class, name, function)

        def undo() -> None:
            if vars(self._class).get(name) is function:  # the program may have wrapped ours meanwhile
                setattr(self._class, name, original)

        self._undo.append(undo)
