"""The entries of `list`."""

from __future__ import annotations

from pathlib import Path

import pytest

from profilednn_tui.protocol.files import agent_recording
from profilednn_tui.session.storage.catalog import list_sessions
from profilednn_tui.session.storage.folder import HolderFile
from profilednn_tui.session.view import State
from tests.unit.session import recordings as r


def states(alive: set[int]) -> dict[str, State]:
    return {entry.folder.name: entry.state for entry in list_sessions(lambda pid, since: pid in alive)}


def test_running_sessions_come_first_then_the_newest(home: Path) -> None:
    r.write_session(home / "1", launcher_pid=11)
    r.write_session(home / "2", exit_code=3)
    r.write_session(home / "3")
    assert list(states({11}).items()) == [("1", State.RUNNING), ("3", State.LOST), ("2", State.ENDED)]


@pytest.mark.parametrize("alive", [{r.PID}, {r.LAUNCHER_PID}, {501}])
def test_a_session_runs_while_any_of_its_processes_does(home: Path, alive: set[int]) -> None:
    HolderFile(500, 501, r.START_UNIX_NS).save(r.write_session(home / "1"))
    assert states(alive) == {"1": State.RUNNING}


def test_an_agent_that_left_a_living_process_ends_its_session(home: Path) -> None:
    r.append(r.write_session(home / "1") / agent_recording(r.PID), r.bye("detach"))
    assert states({r.PID}) == {"1": State.ENDED}


def test_the_exit_code_is_told(home: Path) -> None:
    r.write_session(home / "1", exit_code=-9)
    (entry,) = list_sessions()
    assert (entry.exit_code, entry.file.name) == (-9, "train")


def test_folders_that_cannot_be_read_are_left_out(home: Path) -> None:
    (r.write_session(home / "1") / "session.json").write_text("garbage")
    (home / "2").mkdir()
    assert list_sessions() == ()
