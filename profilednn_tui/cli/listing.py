"""The table of sessions, read from the small files and the ends of the recordings."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

from profilednn_tui import units
from profilednn_tui.errors import ProfilerError
from profilednn_tui.paths import list_session_folders, session_home
from profilednn_tui.protocol import Status, Steps
from profilednn_tui.session.folder import ExitFile, HolderFile, SessionFile, recording_pid
from profilednn_tui.session.liveness import is_alive

TAIL_BYTES = 1 << 18
"""Holds the newest step or status event, even after a large window."""

COLUMNS = ("SESSION", "STATE", "AGE", "STEPS", "SIZE", "EXIT", "TARGET")
RIGHT = frozenset({"AGE", "STEPS", "SIZE", "EXIT"})
TARGET_WIDTH = 40


@dataclass(frozen=True, slots=True)
class Row:
    """One session."""

    folder_name: str
    running: bool
    exit_code: int | None
    start_unix_ns: int
    steps: int | None
    size_bytes: int
    target: str

    @property
    def state(self) -> str:
        if self.running:
            return "running"
        return "incomplete" if self.exit_code is None else "ended"


def listing_lines(now_unix_ns: int) -> list[str]:
    """The table, or one sentence when there is nothing to list."""
    rows = [row for folder in list_session_folders() if (row := read_row(folder)) is not None]
    if not rows:
        return [f"No sessions under {session_home()}. `profilednn-tui SCRIPT` records one."]
    rows.sort(key=lambda row: not row.running)  # stable: the newest first within each
    return table([COLUMNS, *(_cells(row, now_unix_ns) for row in rows)])


def read_row(folder: Path) -> Row | None:
    """A session at a glance; nothing for a folder that is no readable session."""
    try:
        session = SessionFile.load(folder)
    except ProfilerError:
        return None
    ended = ExitFile.load(folder)
    files = {path.name: path.stat().st_size for path in folder.iterdir() if path.is_file()}
    steps = [newest_step(folder / name) for name in files if recording_pid(name) is not None]
    return Row(
        folder_name=folder.name,
        running=ended is None and _runs(folder, session),
        exit_code=ended.exit_code if ended is not None else None,
        start_unix_ns=session.start_unix_ns,
        steps=max((step for step in steps if step is not None), default=None),
        size_bytes=sum(files.values()),
        target=" ".join([session.name, *session.argv[1:]]),
    )


def newest_step(recording: Path) -> int | None:
    """The number of the last step that a recording tells of."""
    with recording.open("rb") as stream:
        stream.seek(0, 2)
        stream.seek(max(0, stream.tell() - TAIL_BYTES))
        lines = stream.read().splitlines()
    for line in reversed(lines):
        try:
            event = json.loads(line)
        except ValueError:
            continue
        if event.get("event") == Steps.kind:
            return int(event["first"]) + len(event["rows"]) - 1
        if event.get("event") == Status.kind:
            return int(event["steps"])
    return None


def table(rows: list[tuple[str, ...]]) -> list[str]:
    """Aligned columns; the first row is the head."""
    widths = [max(len(row[column]) for row in rows) for column in range(len(COLUMNS))]
    return ["  ".join(_aligned(*cell) for cell in zip(COLUMNS, row, widths, strict=True)).rstrip() for row in rows]


def _aligned(column: str, text: str, width: int) -> str:
    return text.rjust(width) if column in RIGHT else text.ljust(width)


def _cells(row: Row, now_unix_ns: int) -> tuple[str, ...]:
    return (
        row.folder_name,
        row.state,
        units.duration(max(0, now_unix_ns - row.start_unix_ns)),
        units.count(row.steps),
        units.bytes_size(row.size_bytes),
        units.UNKNOWN if row.exit_code is None else str(row.exit_code),
        row.target if len(row.target) <= TARGET_WIDTH else row.target[: TARGET_WIDTH - 1] + "…",
    )


def _runs(folder: Path, session: SessionFile) -> bool:
    holder = HolderFile.load(folder)
    if holder is None:
        return is_alive(session.launcher_pid, session.start_unix_ns)
    return any(is_alive(pid, holder.start_unix_ns) for pid in (holder.holder_pid, holder.pid))
