"""Notes what a run does outside its session, which decides whether runs can share a folder and a machine.

Run by `sitecustomize` next to this file, in every Python process of a run whose session folder has the file of notes.
An audit hook sees the files that Python opens for writing, renames or removes, and the ports it binds. Code in C opens
files unseen; the host also compares the working folder before and after.
"""

from __future__ import annotations

import json
import os
from typing import Any, Callable

MOST_NOTES = 1_000
"""Per process."""
LOADER_TIMEOUT = "profilednn.loader_timeout"
"""An audit event of ours, raised by `agent/side_effects.py`."""

_WRITES = os.O_WRONLY | os.O_RDWR


class SideEffects:
    """The audit hook: one line for each distinct side effect."""

    def __init__(self, notes: str) -> None:
        self._notes = notes
        self._session = os.path.dirname(notes) + os.sep
        self._seen: set[tuple[str, str]] = set()

    def __call__(self, event: str, arguments: tuple[Any, ...]) -> None:
        """Must not raise: the program's own call would fail."""
        find = _FINDERS.get(event)
        if find is None:
            return
        try:
            for kind, what in find(arguments):
                self._note(kind, what)
        except Exception:  # noqa: BLE001 - a note that cannot be taken is no reason to disturb the program
            return

    def _note(self, kind: str, what: Any) -> None:
        if kind == "file":
            if isinstance(what, int):  # an open descriptor
                return
            what = os.path.abspath(os.fsdecode(what))
            if what.startswith(self._session) or what == self._notes:
                return
        note = (kind, str(what))
        if note in self._seen or len(self._seen) >= MOST_NOTES:
            return
        self._seen.add(note)
        line = json.dumps({"pid": os.getpid(), "kind": kind, "what": note[1]}) + "\n"
        # Opened anew each time: the program may close descriptors that it does not know, and reuse their numbers.
        descriptor = os.open(self._notes, os.O_WRONLY | os.O_APPEND | os.O_CLOEXEC)
        try:
            os.write(descriptor, line.encode("utf-8", "replace"))
        finally:
            os.close(descriptor)


def _opened(arguments: tuple[Any, ...]) -> list[tuple[str, Any]]:
    path, mode, flags = arguments
    writes = flags & _WRITES if isinstance(flags, int) else bool(set("wax+") & set(mode or ""))
    return [("file", path)] if writes else []


def _bound(arguments: tuple[Any, ...]) -> list[tuple[str, Any]]:
    address = arguments[1]
    return [("port", address[1])] if isinstance(address, tuple) else []


def _database(arguments: tuple[Any, ...]) -> list[tuple[str, Any]]:
    name = os.fsdecode(arguments[0])
    return [] if name in ("", ":memory:") or name.startswith("file:") else [("file", name)]


_FINDERS: dict[str, Callable[[tuple[Any, ...]], list[tuple[str, Any]]]] = {
    "open": _opened,
    "os.rename": lambda arguments: [("file", arguments[0]), ("file", arguments[1])],
    "os.remove": lambda arguments: [("file", arguments[0])],
    "os.truncate": lambda arguments: [("file", arguments[0])],
    "os.link": lambda arguments: [("file", arguments[1])],
    "os.symlink": lambda arguments: [("file", arguments[1])],
    "sqlite3.connect": _database,
    "socket.bind": _bound,
    LOADER_TIMEOUT: lambda arguments: [("loader_timeout", arguments[0])],
}
"""By audit event: its side effects, each a kind and what it affects."""
