"""With which exception this process ends, as far as that shows from beside.

The interpreter keeps an exception that nothing has caught in `sys.last_value` before it calls exit handlers.
`multiprocessing` catches those of its children, and runs its finalizers while they are on their way.
"""

from __future__ import annotations

import os
import sys
from types import TracebackType
from typing import Any, NamedTuple

from ..isolation.guard import OUR_FOLDER
from ..parentage import is_becoming_one, is_child_of_multiprocessing

MOST_CHARACTERS = 300
"""Of a message, of which the first line with a word counts."""
_LIBRARY = os.path.dirname(os.__file__) + os.sep


class Fatal(NamedTuple):
    """The exception that a process ends with."""

    error: str = ""
    """Its class and message; empty if there is none."""
    file: str = ""
    line: int = 0
    """The innermost line of the program in its traceback."""


class Ending:
    """Learns why this process ends; replaced in a forked child."""

    def __init__(self) -> None:
        self._seen = Fatal()
        self._finalizer: Any = None
        self._left = False
        util: Any = sys.modules.get("multiprocessing.util")
        if util is None:
            return
        # A forked child drops all finalizers before it runs.
        util.register_after_fork(self, Ending._watch)
        if is_child_of_multiprocessing() or is_becoming_one():
            self._watch()

    def fatal(self) -> Fatal:
        """What is known now; called at the end of the process."""
        return self._seen if self._seen.error else _uncaught()

    def leave(self) -> None:
        """The agent leaves, and the process goes on."""
        self._left = True
        if self._finalizer is not None:
            self._finalizer.cancel()

    def _watch(self) -> None:
        if not self._left:
            util: Any = sys.modules["multiprocessing.util"]
            self._finalizer = util.Finalize(None, self._look, exitpriority=0)

    def _look(self) -> None:
        """Called by `multiprocessing` when the work of a child is done, or has failed."""
        error = sys.exc_info()[1]
        if isinstance(error, SystemExit) and error.code not in (None, 0):
            error = error.__context__  # `torch.multiprocessing` exits where it has caught an exception
        if error is not None and not isinstance(error, SystemExit):
            self._seen = described(error)


def _uncaught() -> Fatal:
    error = getattr(sys, "last_value", None)
    entry = getattr(error, "__traceback__", None)
    # Prompts and test runners print exceptions with this, too, which they have caught further down the stack.
    left = entry is None or entry.tb_frame.f_back is None
    return described(error) if isinstance(error, BaseException) and left and not hasattr(sys, "ps1") else Fatal()


def described(error: BaseException) -> Fatal:
    """An exception in one line, without keeping it alive."""
    kind = type(error)
    module = "" if kind.__module__ in ("builtins", "__main__") else f"{kind.__module__}."
    name = f"{module}{kind.__qualname__}"
    try:
        lines = str(error).splitlines()
    except Exception:  # noqa: BLE001 - the program's own method; the interpreter prints such exceptions without it
        lines = []
    message = next((line.strip() for line in lines if any(map(str.isalnum, line))), "")[:MOST_CHARACTERS]
    return Fatal(f"{name}: {message}" if message else name, *_line(error.__traceback__))


def _line(entry: TracebackType | None) -> tuple[str, int]:
    found = "", 0
    while entry is not None:
        file = entry.tb_frame.f_code.co_filename
        installed = f"{os.sep}site-packages{os.sep}" in file or f"{os.sep}dist-packages{os.sep}" in file
        if not (installed or file.startswith((_LIBRARY, OUR_FOLDER, "<"))):
            found = file, entry.tb_lineno
        entry = entry.tb_next
    return found
