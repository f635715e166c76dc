"""Sessions that another machine writes into a shared file system."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import Any

import pytest

from profilednn_tui.session.open_session import OpenSession
from profilednn_tui.session.part_reader import LIVENESS_INTERVAL_S
from profilednn_tui.session.storage.catalog import list_sessions
from profilednn_tui.session.storage.elsewhere import SILENT_S, this_boot
from profilednn_tui.session.storage.store import FolderStore
from profilednn_tui.session.view import State
from tests.unit.session import recordings as r
from tests.unit.session.conftest import ManualClock


def everyone(pid: int, since_unix_ns: int) -> bool:
    return True


def shared(folder: Path, host: str = "node-7", boot: str = "another", **started: Any) -> Path:
    return r.on_machine(r.write_session(folder, **started), host, boot)


def test_it_is_live_as_long_as_its_files_grow(tmp_path: Path, manual_clock: ManualClock) -> None:
    folder = shared(tmp_path / "s")
    with OpenSession([FolderStore(folder)], everyone, manual_clock.clock) as session:
        r.caught_up(session)
        assert session.view().live
        manual_clock.now_s += SILENT_S - LIVENESS_INTERVAL_S
        r.append(folder / "host.jsonl", r.cores())
        r.caught_up(session)
        manual_clock.now_s += SILENT_S - LIVENESS_INTERVAL_S
        r.caught_up(session)
        assert session.view().live
        manual_clock.now_s += 2 * LIVENESS_INTERVAL_S
        r.caught_up(session)
        assert session.view().state is State.LOST


def test_an_old_one_is_not_live_whoever_has_its_pids_here(tmp_path: Path, manual_clock: ManualClock) -> None:
    folder = shared(tmp_path / "s")
    for file in folder.iterdir():
        os.utime(file, (0, time.time() - 2 * SILENT_S))
    with OpenSession([FolderStore(folder)], everyone, manual_clock.clock) as session:
        assert r.caught_up(session).view().state is State.LOST


def test_it_is_only_read_here_and_its_sources_are(tmp_path: Path) -> None:
    (tmp_path / "net.py").write_text("import torch\n")
    folder = shared(tmp_path / "s", working_directory=str(tmp_path))
    with OpenSession([FolderStore(folder)], everyone) as session:
        assert session.foreign == "It was recorded on node-7, so it is only read here."
        assert session.source("net.py").lines == ("import torch",)


@pytest.mark.parametrize(
    "started", [{"host": os.uname().nodename}, {"boot": this_boot()}, {"host": ""}], ids=["restarted", "renamed", "old"]
)
def test_this_machine_is_not_another_one(tmp_path: Path, started: dict[str, str]) -> None:
    assert FolderStore(shared(tmp_path / "s", **started)).foreign == ""


def test_the_list_does_not_look_for_its_processes(home: Path) -> None:
    folder = shared(home / "s")
    assert [entry.state for entry in list_sessions(everyone)] == [State.RUNNING]
    for file in folder.iterdir():
        os.utime(file, (0, time.time() - 2 * SILENT_S))
    assert [entry.state for entry in list_sessions(everyone)] == [State.LOST]
