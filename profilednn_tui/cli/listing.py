"""The table of sessions, read from the small files and the ends of the recordings."""

from __future__ import annotations

import json
import shutil
from contextlib import suppress
from pathlib import Path

from profilednn_tui import units
from profilednn_tui.compare.experiment import Recorded, list_experiments
from profilednn_tui.paths import session_home
from profilednn_tui.protocol import Status, Steps
from profilednn_tui.session.catalog import SessionEntry, list_sessions
from profilednn_tui.session.folder import recording_pid
from profilednn_tui.session.records import State
from profilednn_tui.tables import aligned

TAIL_BYTES = 1 << 18
"""Holds the newest step or status event, even after a large window."""

COLUMNS = ("SESSION", "STATE", "AGE", "STEPS", "SIZE", "EXIT", "TARGET")
RIGHT = frozenset(map(COLUMNS.index, ("AGE", "STEPS", "SIZE", "EXIT")))
TARGET_WIDTH = 40


def listing_lines(now_unix_ns: int) -> list[str]:
    """The table, or one sentence when there is nothing to list."""
    rows = [_cells(entry, now_unix_ns) for entry in list_sessions()]
    rows += [_experiment_cells(recorded, now_unix_ns) for recorded in list_experiments()]
    if not rows:
        return [f"No sessions under {session_home()}. `profilednn-tui SCRIPT` records one."]
    return aligned([COLUMNS, *rows], RIGHT)


def prune(days: float, now_unix_ns: int) -> list[str]:
    """Delete ended sessions in which nothing was written for so many days; a line for each, and a sum."""
    limit_ns = now_unix_ns - days * 86_400e9
    lines = []
    freed_bytes = 0
    for entry in list_sessions():
        sizes = file_sizes(entry.folder)
        newest_ns = max((path.stat().st_mtime_ns for path in sizes), default=0)
        if entry.state is not State.RUNNING and newest_ns < limit_ns:
            shutil.rmtree(entry.folder)
            freed_bytes += sum(sizes.values())
            lines.append(f"deleted {entry.folder.name}")
    return [*lines, f"{len(lines)} sessions deleted, {units.bytes_size(freed_bytes)} freed"]


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
        kind = event.get("event") if isinstance(event, dict) else None
        if kind == Steps.kind:
            return int(event["first"]) + len(event["rows"]) - 1
        if kind == Status.kind:
            return int(event["steps"])
    return None


def file_sizes(folder: Path) -> dict[Path, int]:
    """The files of a session or an experiment; marks of viewers and files under construction come and go meanwhile."""
    sizes: dict[Path, int] = {}
    for path in folder.rglob("*"):
        with suppress(FileNotFoundError):
            sizes[path] = path.stat().st_size
    return sizes


def _experiment_cells(recorded: Recorded, now_unix_ns: int) -> tuple[str, ...]:
    experiment = recorded.experiment
    total = experiment.repeat * len(experiment.variants)
    made = total - len(experiment.pending())
    names = ", ".join(variant.name for variant in experiment.variants)
    return (
        recorded.folder.name,
        "experiment",
        units.duration(max(0, now_unix_ns - experiment.start_unix_ns)),
        units.count(experiment.steps),
        units.bytes_size(sum(file_sizes(recorded.folder).values())),
        units.UNKNOWN,
        _clip(f"{experiment.name}, {made} of {total} runs: {names}"),
    )


def _clip(text: str) -> str:
    return text if len(text) <= TARGET_WIDTH else text[: TARGET_WIDTH - 1] + "…"


def _cells(entry: SessionEntry, now_unix_ns: int) -> tuple[str, ...]:
    sizes = file_sizes(entry.folder)
    steps = [newest_step(path) for path in sizes if recording_pid(path.name) is not None]
    target = " ".join([entry.file.name, *entry.file.argv[1:]])
    return (
        entry.folder.name,
        entry.state.value,
        units.duration(max(0, now_unix_ns - entry.file.start_unix_ns)),
        units.count(max((step for step in steps if step is not None), default=None)),
        units.bytes_size(sum(sizes.values())),
        units.UNKNOWN if entry.exit_code is None else str(entry.exit_code),
        _clip(target),
    )
