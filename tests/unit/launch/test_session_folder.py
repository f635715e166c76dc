from __future__ import annotations

import os
from pathlib import Path

import pytest

from profilednn_tui.errors import ProfilerError
from profilednn_tui.launch.command import any_command
from profilednn_tui.launch.options import LaunchOptions
from profilednn_tui.launch.session_folder import check_output, create_session
from profilednn_tui.session.storage.folder import SessionFile


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("PROFILEDNN_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


def test_a_session_says_what_is_about_to_start() -> None:
    folder = create_session(any_command(("sh", "-c", "true")), LaunchOptions(name="mine"), terminal=True)
    file = SessionFile.load(folder)
    assert (file.name, file.argv, file.terminal, file.launcher_pid) == ("mine", ["sh", "-c", "true"], True, os.getpid())


def test_a_disk_that_is_full_leaves_no_empty_session(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(file: SessionFile, folder: Path) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(SessionFile, "save", full)
    with pytest.raises(ProfilerError, match="No space left"):
        create_session(any_command(("sh",)), LaunchOptions(), terminal=False)
    assert list(home.iterdir()) == []


def test_an_output_that_exists_is_written_over(tmp_path: Path) -> None:
    (tmp_path / "run.pdnn").touch()
    check_output(tmp_path / "run.pdnn")
    check_output(tmp_path / "new.pdnn")


def test_a_file_is_no_folder_for_an_output(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(ProfilerError, match="there is no folder"):
        check_output(tmp_path / "file" / "run.pdnn")
