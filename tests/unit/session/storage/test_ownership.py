"""Who owns a session."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from profilednn_tui.protocol.events import Command
from profilednn_tui.protocol.files import agent_recording, control_file
from profilednn_tui.session.open_session import open_session
from profilednn_tui.session.storage.catalog import session_of_process
from profilednn_tui.session.storage.folder import INPUT_FIFO, OUTPUT_FILE, HolderFile
from profilednn_tui.session.storage.ownership import why_foreign
from tests.unit.session import recordings as r
from tests.unit.session.test_open_session import everyone

STRANGER = 65533


def strangers(folder: Path) -> Path:
    """The same folder, owned by another user."""
    if os.geteuid() == 0:
        os.chown(folder, STRANGER, STRANGER)
    else:
        folder.chmod(0o777)
    return folder


def test_a_folder_of_our_own_is_ours(tmp_path: Path) -> None:
    assert why_foreign(r.write_session(tmp_path / "s")) == ""


def test_what_everybody_can_write_to_is_nobodys(tmp_path: Path) -> None:
    folder = r.write_session(tmp_path / "s")
    folder.chmod(0o777)
    assert "Anyone can write to the folder s" in why_foreign(folder)


@pytest.mark.skipif(os.geteuid() != 0, reason="it takes root to give files away")
@pytest.mark.parametrize("part", [".", "session.json"])
def test_a_folder_or_its_file_of_another_user_is_theirs_also_for_root(tmp_path: Path, part: str) -> None:
    folder = r.write_session(tmp_path / "s")
    os.chown(folder / part, STRANGER, STRANGER)
    assert f"s belongs to user {STRANGER}" in why_foreign(folder)


def test_a_session_of_somebody_else_is_read_and_neither_steered_nor_opened(tmp_path: Path) -> None:
    """Its links would have redirected our commands, marks and input to any of our files."""
    (tmp_path / "train.py").write_text("ours\n")
    folder = r.write_session(tmp_path / "s", working_directory=str(tmp_path))
    (folder / control_file(r.PID)).symlink_to(tmp_path / "written")
    os.mkfifo(folder / INPUT_FIFO)
    reader = os.open(folder / INPUT_FIFO, os.O_RDONLY | os.O_NONBLOCK)
    session = r.caught_up(open_session(strangers(folder), alive=everyone))
    try:
        assert session.view().live
        assert session.send(Command("window_now")) == 0
        assert session.write_input(b"x") == 0
    finally:
        os.close(reader)
    assert not (tmp_path / "written").exists()
    found = session.source("train.py")
    assert (found.lines, found.path) == (None, None)
    assert found.foreign == session.foreign
    session.save_snapshot(tmp_path / "s.pdnn")
    assert open_session(tmp_path / "s.pdnn").source("train.py").lines is None


def test_a_folder_that_we_have_made_is_ours_whatever_the_file_system_says(tmp_path: Path) -> None:
    folder = strangers(r.write_session(tmp_path / "s"))
    assert open_session(folder, started_here=True).foreign == ""


def test_our_commands_follow_no_link(tmp_path: Path) -> None:
    folder = r.write_session(tmp_path / "s")
    (folder / control_file(r.PID)).symlink_to(tmp_path / "written")
    session = r.caught_up(open_session(folder, alive=everyone))
    with pytest.raises(Exception, match="Cannot send a command"):
        session.send(Command("window_now"))
    assert not (tmp_path / "written").exists()


def test_a_link_in_the_place_of_the_output_is_not_shown(tmp_path: Path) -> None:
    folder = r.write_session(tmp_path / "s")
    (folder / OUTPUT_FILE).symlink_to("/etc/passwd")
    assert open_session(folder).output_tail(100) == b""


def test_a_process_is_not_looked_up_in_sessions_of_others(home: Path) -> None:
    folder = r.write_session(home / "s", launcher_pid=os.getpid(), start_unix_ns=2**62)
    HolderFile(os.getpid(), os.getpid(), 2**62).save(folder)
    assert session_of_process(os.getpid()) == folder
    strangers(folder)
    assert session_of_process(os.getpid()) is None
    assert agent_recording(r.PID) in os.listdir(folder)
