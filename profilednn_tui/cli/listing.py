"""The table of sessions, read from the small files and the tails of the recordings."""

from __future__ import annotations

import shutil
import stat
from pathlib import Path

from profilednn_tui import units
from profilednn_tui.experiment.plan import DamagedExperiment, Recorded, survey_experiments
from profilednn_tui.paths import session_home
from profilednn_tui.plain import plain
from profilednn_tui.protocol.events import StatusEvent, StepsEvent
from profilednn_tui.protocol.files import recording_pid
from profilednn_tui.session.storage.catalog import DamagedSession, SessionEntry, survey_sessions
from profilednn_tui.session.storage.files import read_end, regular_files
from profilednn_tui.session.storage.folder import UNREADABLE
from profilednn_tui.session.storage.ownership import why_foreign
from profilednn_tui.session.storage.reader import decode_event
from profilednn_tui.session.view import State
from profilednn_tui.tables import aligned

TAIL_BYTES = 1 << 18
"""Enough to contain the newest step or status event, even if a large window follows it."""

COLUMNS = ("SESSION", "STATE", "AGE", "STEPS", "SIZE", "EXIT", "TARGET")
RIGHT = frozenset(map(COLUMNS.index, ("AGE", "STEPS", "SIZE", "EXIT")))
TARGET_WIDTH = 40
REASON_WIDTH = 100
EXPERIMENT_DEPTH = 1
"""The sessions of an experiment are one level below its folder."""


def listing_lines(now_unix_ns: int) -> list[str]:
    """The table, or one sentence if there is nothing to list."""
    rows = [
        _cells(entry, now_unix_ns) if isinstance(entry, SessionEntry) else _damaged_cells(entry)
        for entry in survey_sessions()
    ]
    rows += [
        _experiment_cells(one, now_unix_ns) if isinstance(one, Recorded) else _damaged_cells(one)
        for one in survey_experiments()
    ]
    if not rows:
        return [f"No sessions under {plain(str(session_home()))}. `profilednn-tui SCRIPT` records one."]
    return aligned([COLUMNS, *rows], RIGHT)


def prune(days: float, now_unix_ns: int) -> list[str]:
    """Delete ended sessions to which nothing was written for `days`; returns a line for each, and a total.

    Old entries that are kept have a line, too: links, sessions of other users, and unreadable sessions.
    """
    limit_ns = now_unix_ns - days * 86_400e9
    lines = []
    deleted = freed_bytes = 0
    for entry in survey_sessions():
        if isinstance(entry, SessionEntry) and entry.state is State.RUNNING:
            continue
        sizes = dict(regular_files(entry.folder))
        if max((status.st_mtime_ns for status in sizes.values()), default=0) >= limit_ns:
            continue
        name = plain(entry.folder.name)
        reason = _why_kept(entry)
        if reason:
            lines.append(f"kept {name}: {reason}")
            continue
        failures = _delete(entry.folder)
        if failures:
            lines.append(f"could not delete {name}: {failures[0]}")
            continue
        deleted += 1
        freed_bytes += sum(status.st_size for status in sizes.values())
        lines.append(f"deleted {name}")
    return [*lines, f"{deleted} sessions deleted, {units.bytes_size(freed_bytes)} freed"]


def newest_step(recording: Path) -> int | None:
    """The number of the last step in a recording; None if its tail has none."""
    try:
        lines = read_end(recording, TAIL_BYTES).splitlines()
    except OSError:
        return None
    for line in reversed(lines):
        try:
            event = decode_event(line)
        except (*UNREADABLE, ValueError):
            continue
        if isinstance(event, StepsEvent):
            return event.first + len(event.rows) - 1
        if isinstance(event, StatusEvent):
            return event.steps
    return None


def _why_kept(entry: SessionEntry | DamagedSession) -> str:
    """Why a session must not be deleted; empty if it may be."""
    if isinstance(entry, DamagedSession):
        return plain(entry.reason)
    if not stat.S_ISDIR(entry.folder.lstat().st_mode):
        return "it is a link, which may lead anywhere. Delete the link by hand."
    return plain(why_foreign(entry.folder))


def _delete(folder: Path) -> list[str]:
    """Delete as much of a folder as possible; returns the errors."""
    failures: list[str] = []
    shutil.rmtree(folder, onerror=lambda _function, _path, failure: failures.append(plain(str(failure[1]))))
    return failures


def _experiment_cells(recorded: Recorded, now_unix_ns: int) -> tuple[str, ...]:
    experiment = recorded.experiment
    total = experiment.repeat * len(experiment.variants)
    made = total - len(experiment.pending())
    names = ", ".join(variant.name for variant in experiment.variants)
    sizes = (status.st_size for _, status in regular_files(recorded.folder, EXPERIMENT_DEPTH))
    return (
        plain(recorded.folder.name),
        "experiment",
        units.duration(max(0, now_unix_ns - experiment.start_unix_ns)),
        units.count(experiment.steps),
        units.bytes_size(sum(sizes)),
        units.UNKNOWN,
        _clip(f"{experiment.name}, {made} of {total} runs: {names}"),
    )


def _damaged_cells(entry: DamagedSession | DamagedExperiment) -> tuple[str, ...]:
    name, unknown = plain(entry.folder.name), units.UNKNOWN
    return name, "damaged", unknown, unknown, unknown, unknown, _clip(plain(entry.reason), REASON_WIDTH)


def _clip(text: str, width: int = TARGET_WIDTH) -> str:
    return text if len(text) <= width else text[: width - 1] + "…"


def _cells(entry: SessionEntry, now_unix_ns: int) -> tuple[str, ...]:
    files = dict(regular_files(entry.folder))
    steps = [newest_step(path) for path in files if recording_pid(path.name) is not None]
    target = " ".join([entry.file.name, *entry.file.argv[1:]])
    return (
        plain(entry.folder.name),
        entry.state.value,
        units.duration(max(0, now_unix_ns - entry.file.start_unix_ns)),
        units.count(max((step for step in steps if step is not None), default=None)),
        units.bytes_size(sum(status.st_size for status in files.values())),
        units.UNKNOWN if entry.exit_code is None else str(entry.exit_code),
        _clip(target),
    )
