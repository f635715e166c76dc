"""The folder in which the agent of an attached process leaves its recording and finds its commands.

Usually that is the session folder. A target in another mount or PID namespace, or of another user, cannot reach it:
then it is a folder in the target's own file system, and the recorder copies the lines across.
"""

from __future__ import annotations

import json
import os
import secrets
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any, Protocol

from profilednn_tui.collect import procfs
from profilednn_tui.errors import ProfilerError
from profilednn_tui.paths import FILE_MODE, FOLDER_MODE
from profilednn_tui.protocol.files import HEARTBEAT, agent_recording, control_file

_TEMPORARY_FOLDERS = ("/tmp", "/var/tmp", "/dev/shm")
_READ_BYTES = 1 << 20


class Exchange(Protocol):
    """The exchange folder of one target."""

    folder_there: str
    """Its path as the target sees it."""
    pid_there: int
    """The target's PID in its own namespace."""

    def read(self, name: str) -> bytes:
        """The content of a file; empty if it does not exist."""

    def write(self, name: str, data: bytes) -> None:
        """Write a file for the target to read."""

    def carry(self) -> None:
        """Copy new lines across and renew the heartbeat."""

    def close(self) -> None:
        """Remove what is no longer needed."""


def exchange_for(pid: int, session: Path) -> Exchange:
    """The session folder if the target can use it, otherwise a folder in the target's file system."""
    pid_there = int(_status(pid, "NSpid").split()[-1] or pid)
    owner = int(_status(pid, "Uid").split()[1])
    if pid_there == pid and _is_same_folder(pid, session) and owner in (0, session.stat().st_uid):
        return SharedExchange(session, pid)
    return CarriedExchange(pid, pid_there, owner, session)


class SharedExchange:
    """The session folder itself."""

    def __init__(self, session: Path, pid: int) -> None:
        self._session = session
        self.folder_there = str(session)
        self.pid_there = pid

    def read(self, name: str) -> bytes:
        return procfs.read(str(self._session / name))

    def write(self, name: str, data: bytes) -> None:
        with open(os.open(self._session / name, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, FILE_MODE), "wb") as stream:
            stream.write(data)

    def carry(self) -> None:
        with suppress(OSError):
            (self._session / HEARTBEAT).touch(mode=FILE_MODE)

    def close(self) -> None:
        with suppress(OSError):
            (self._session / HEARTBEAT).unlink()


class CarriedExchange:
    """A folder in the target's file system, held open because its path becomes unreachable when the target ends."""

    def __init__(self, pid: int, pid_there: int, owner: int, session: Path) -> None:
        self._session = session
        self._pid = pid
        self.pid_there = pid_there
        self.folder_there, self._folder = _create(pid, owner)
        self._owner = owner
        self._taken = 0
        self._given = 0
        self._partial = b""
        self._waiting = b""
        """Lines that the disk has not accepted yet; the rest waits in the target's folder."""

    def read(self, name: str) -> bytes:
        return self._read_from(name, 0)

    def write(self, name: str, data: bytes) -> None:
        flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_NOFOLLOW
        handle = os.open(name, flags, FILE_MODE, dir_fd=self._folder)
        try:
            os.fchown(handle, self._owner, -1)
            os.write(handle, data)
        finally:
            os.close(handle)

    def carry(self) -> None:
        with suppress(OSError):
            self.write(HEARTBEAT, b".")
        self._carry_waiting()
        while not self._waiting and (new := self._read_from(agent_recording(self.pid_there), self._taken)):
            self._taken += len(new)
            self._waiting = self._translated(new)
            self._carry_waiting()
        commands = procfs.read(str(self._session / control_file(self._pid)))[self._given :]
        if commands:
            self.write(control_file(self.pid_there), commands)
            self._given += len(commands)

    def close(self) -> None:
        self.carry()
        for name in os.listdir(self._folder):
            with suppress(OSError):
                os.unlink(name, dir_fd=self._folder)
        with suppress(OSError):
            os.rmdir(f"/proc/{self._pid}/root{self.folder_there}")
        os.close(self._folder)

    def _read_from(self, name: str, offset: int) -> bytes:
        try:
            handle = os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=self._folder)
        except OSError:
            return b""
        try:
            return os.pread(handle, _READ_BYTES, offset)
        finally:
            os.close(handle)

    def _carry_waiting(self) -> None:
        if not self._waiting:
            return
        path = self._session / agent_recording(self._pid)
        # A full disk is no reason to fail; the recorder reports it.
        with suppress(OSError), open(path, "ab", buffering=0, opener=_private) as stream:
            self._waiting = self._waiting[stream.write(self._waiting) or 0 :]

    def _translated(self, data: bytes) -> bytes:
        """The lines with process and thread IDs as seen from here."""
        if self.pid_there == self._pid:
            return data
        *lines, self._partial = (self._partial + data).split(b"\n")
        return b"".join(_translate(line, self._pid, self._threads()) + b"\n" for line in lines)

    def _threads(self) -> dict[int, int]:
        """Thread ID there -> thread ID here."""
        return {int(_status(tid, "NSpid").split()[-1]): tid for tid in _tasks(self._pid)} | {self.pid_there: self._pid}


def _private(path: str, flags: int) -> int:
    return os.open(path, flags, FILE_MODE)


def _translate(line: bytes, pid: int, threads: dict[int, int]) -> bytes:
    if not line.startswith((b'{"event":"header"', b'{"event":"hello"', b'{"event":"step_source"')):
        return line
    body: dict[str, Any] = json.loads(line)
    for name in ("main_thread_id", "thread_id"):
        if name in body:
            body[name] = threads.get(body[name], body[name])
    if "pid" in body:
        body["pid"] = pid
    return json.dumps(body, separators=(",", ":")).encode()


def _create(pid: int, owner: int) -> tuple[str, int]:
    root = f"/proc/{pid}/root"
    name = f"profilednn-{secrets.token_hex(8)}"
    failure = "no temporary folder"
    for base in _TEMPORARY_FOLDERS:
        path = f"{base}/{name}"
        try:
            os.mkdir(root + path, FOLDER_MODE)
            handle = os.open(root + path, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
            if owner != os.geteuid():
                os.fchown(handle, owner, -1)
            return path, handle
        except OSError as error:
            failure = f"{base}: {error.strerror}"
    raise ProfilerError(
        f"Cannot create a folder that process {pid} can use ({failure}). "
        f"Make one of {', '.join(_TEMPORARY_FOLDERS)} writable in its file system."
    )


def _is_same_folder(pid: int, folder: Path) -> bool:
    with suppress(OSError):
        return os.path.samestat(os.stat(f"/proc/{pid}/root{folder}"), folder.stat())
    return False


def _status(pid: int, label: str) -> str:
    text = procfs.read(f"/proc/{pid}/status").decode("utf-8", "replace")
    value = text.partition(f"\n{label}:")[2].partition("\n")[0].strip()
    return value or f"{pid}"


def _tasks(pid: int) -> Iterator[int]:
    return map(int, procfs.names(f"/proc/{pid}/task"))
