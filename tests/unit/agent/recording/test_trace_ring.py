"""The files with the calls of the newest windows."""

from __future__ import annotations

import json
import os
import stat
from functools import partial
from pathlib import Path

from profilednn_tui.agent.recording.trace_ring import TraceRing
from profilednn_tui.protocol.events import TraceEvent
from profilednn_tui.protocol.files import TRACES, trace_pid


def event(window: int) -> TraceEvent:
    return TraceEvent(window, 10 * window, 5, 1, 1, 0, True, {})


def written(folder: Path) -> list[int]:
    """The windows in the files."""
    return sorted(json.loads(path.read_text().splitlines()[1])["window"] for path in folder.iterdir())


def test_each_window_takes_the_place_of_the_oldest_one(tmp_path: Path) -> None:
    ring = TraceRing(str(tmp_path))
    for window in range(1, 12):
        ring.put(partial(event, window))
        ring.write()

    assert written(tmp_path) == list(range(4, 12))
    assert len(written(tmp_path)) == TRACES
    assert all(trace_pid(path.name) == os.getpid() for path in tmp_path.iterdir())
    assert {stat.S_IMODE(path.stat().st_mode) for path in tmp_path.iterdir()} == {0o600}


def test_only_the_newest_wait(tmp_path: Path) -> None:
    ring = TraceRing(str(tmp_path))
    for window in range(1, 12):
        ring.put(partial(event, window))
    ring.write()

    assert written(tmp_path) == list(range(4, 12))


def test_a_disk_that_refuses_loses_the_trace_and_nothing_else(tmp_path: Path) -> None:
    ring = TraceRing(str(tmp_path / "gone"))
    ring.put(lambda: event(1))
    ring.write()
    assert not list(tmp_path.iterdir())


def test_a_link_in_place_of_the_file_is_not_followed(tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.write_text("mine")
    folder = tmp_path / "session"
    folder.mkdir()
    (folder / f"trace-{os.getpid()}-1.jsonl.new").symlink_to(outside)
    ring = TraceRing(str(folder))
    ring.put(lambda: event(1))
    ring.write()

    assert outside.read_text() == "mine"
