"""The sessions of this machine and where they stand, without reading their recordings."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from profilednn_tui.errors import ProfilerError
from profilednn_tui.paths import list_session_folders
from profilednn_tui.protocol import Bye
from profilednn_tui.session.folder import (
    HOST_RECORDING,
    ExitFile,
    HolderFile,
    SessionFile,
    agent_recording,
    recording_pid,
)
from profilednn_tui.session.liveness import is_alive
from profilednn_tui.session.records import State

_LAST_LINE_BYTES = 4096
_BYE = f'{{"event":"{Bye.kind}"'.encode()


@dataclass(frozen=True, slots=True)
class SessionEntry:
    """One session, as a list shows it."""

    folder: Path
    file: SessionFile
    state: State
    """`RUNNING`, `ENDED` or `LOST`."""
    exit_code: int | None


def list_sessions(alive: Callable[[int, int], bool] = is_alive) -> tuple[SessionEntry, ...]:
    """Running ones first, then the newest; folders that are no readable session are left out."""
    entries = [entry for folder in list_session_folders() if (entry := _entry(folder, alive))]
    return tuple(sorted(entries, key=lambda entry: entry.state is not State.RUNNING))


def _entry(folder: Path, alive: Callable[[int, int], bool]) -> SessionEntry | None:
    try:
        file = SessionFile.load(folder)
    except ProfilerError:
        return None
    ended = ExitFile.load(folder)
    if ended:
        return SessionEntry(folder, file, State.ENDED, ended.exit_code)
    return SessionEntry(folder, file, _state(folder, file, alive), None)


def _state(folder: Path, file: SessionFile, alive: Callable[[int, int], bool]) -> State:
    """Where a session without an exit code stands."""
    if file.attached:
        recorder = HolderFile.load(folder)
        if (
            alive(recorder.holder_pid, recorder.start_unix_ns)
            if recorder
            else alive(file.launcher_pid, file.start_unix_ns)
        ):
            return State.RUNNING
        return State.ENDED if _said_bye(folder / HOST_RECORDING) else State.LOST
    agents = {path: pid for path in _files(folder) if (pid := recording_pid(path.name)) is not None}
    silent = [(pid, path.stat().st_mtime_ns) for path, pid in agents.items() if not _said_bye(path)]
    left = bool(agents) and not silent
    known = [(file.launcher_pid, file.start_unix_ns), *silent]
    holder = HolderFile.load(folder)
    if holder:
        known.append((holder.holder_pid, holder.start_unix_ns))
        if not left:
            known.append((holder.pid, holder.start_unix_ns))
    if any(alive(pid, since) for pid, since in known):
        return State.RUNNING
    return State.ENDED if left else State.LOST


def session_of_process(pid: int) -> Path | None:
    """The running session that records a process, if one does."""
    for entry in list_sessions():
        holder = HolderFile.load(entry.folder)
        recording = entry.folder / agent_recording(pid)
        if entry.state is not State.RUNNING:
            continue
        if (holder and holder.pid == pid) or (recording.exists() and not _said_bye(recording)):
            return entry.folder
    return None


def _files(folder: Path) -> Iterator[Path]:
    try:
        return iter([Path(entry.path) for entry in os.scandir(folder)])
    except OSError:
        return iter(())


def _said_bye(recording: Path) -> bool:
    try:
        with recording.open("rb") as stream:
            stream.seek(max(0, stream.seek(0, os.SEEK_END) - _LAST_LINE_BYTES))
            lines = stream.read().splitlines()
    except OSError:
        return False
    return bool(lines) and lines[-1].startswith(_BYE)
