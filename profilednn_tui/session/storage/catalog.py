"""The sessions on this machine and their states, without reading their recordings."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from profilednn_tui.errors import ProfilerError
from profilednn_tui.paths import list_session_folders
from profilednn_tui.protocol.files import HOST_RECORDING, agent_recording, recording_pid
from profilednn_tui.session.storage.elsewhere import is_elsewhere, was_written_lately
from profilednn_tui.session.storage.farewell import said_bye
from profilednn_tui.session.storage.files import regular_files
from profilednn_tui.session.storage.folder import ExitFile, HolderFile, MirrorFile, SessionFile
from profilednn_tui.session.storage.liveness import is_alive
from profilednn_tui.session.storage.ownership import why_foreign
from profilednn_tui.session.view import State


@dataclass(frozen=True, slots=True)
class SessionEntry:
    """One session in a list."""

    folder: Path
    file: SessionFile
    state: State
    """`RUNNING`, `ENDED` or `LOST`."""
    exit_code: int | None


@dataclass(frozen=True, slots=True)
class DamagedSession:
    """A folder that should be a session, but is not readable as one."""

    folder: Path
    reason: str
    """A sentence."""


def list_sessions(alive: Callable[[int, int], bool] = is_alive) -> tuple[SessionEntry, ...]:
    """Running ones first, then the newest; unreadable folders are left out."""
    return tuple(entry for entry in survey_sessions(alive) if isinstance(entry, SessionEntry))


def survey_sessions(alive: Callable[[int, int], bool] = is_alive) -> tuple[SessionEntry | DamagedSession, ...]:
    """Running ones first, then the newest; damaged ones are among the latter."""
    entries = [_entry(folder, alive) for folder in list_session_folders()]
    return tuple(
        sorted(entries, key=lambda entry: not (isinstance(entry, SessionEntry) and entry.state is State.RUNNING))
    )


def _entry(folder: Path, alive: Callable[[int, int], bool]) -> SessionEntry | DamagedSession:
    try:
        file = SessionFile.load(folder)
    except ProfilerError as error:
        return DamagedSession(folder, str(error).replace(str(folder), "it", 1))
    ended = ExitFile.load(folder)
    if ended:
        return SessionEntry(folder, file, State.ENDED, ended.exit_code)
    return SessionEntry(folder, file, _state(folder, file, alive), None)


def _state(folder: Path, file: SessionFile, alive: Callable[[int, int], bool]) -> State:
    """The state of a session without an exit code."""
    agents = {path: status for path, status in regular_files(folder) if recording_pid(path.name) is not None}
    silent = [
        (recording_pid(path.name) or 0, status.st_mtime_ns) for path, status in agents.items() if not said_bye(path)
    ]
    left = bool(agents) and not silent
    mirror = MirrorFile.load(folder)
    if mirror is not None:
        copied = mirror.connected and alive(mirror.pid, mirror.start_unix_ns)
        return State.RUNNING if copied else State.ENDED if left else State.LOST
    if is_elsewhere(file):
        return State.RUNNING if was_written_lately(folder) else State.ENDED if left else State.LOST
    if file.attached:
        recorder = HolderFile.load(folder)
        if (
            alive(recorder.holder_pid, recorder.start_unix_ns)
            if recorder
            else alive(file.launcher_pid, file.start_unix_ns)
        ):
            return State.RUNNING
        return State.ENDED if said_bye(folder / HOST_RECORDING) else State.LOST
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
    """The running session that records a process; None if there is none."""
    for entry in list_sessions():
        if entry.state is not State.RUNNING or is_elsewhere(entry.file) or why_foreign(entry.folder):
            continue
        holder = HolderFile.load(entry.folder)
        recording = entry.folder / agent_recording(pid)
        if (holder and holder.pid == pid) or (recording.exists() and not said_bye(recording)):
            return entry.folder
    return None
