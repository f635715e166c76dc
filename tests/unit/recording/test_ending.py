"""How a run ends when its recording has filled the disk."""

from __future__ import annotations

import os
import resource
from pathlib import Path

import pytest

from profilednn_tui.errors import ProfilerError
from profilednn_tui.launch import session_folder as session
from profilednn_tui.launch.command import any_command
from profilednn_tui.launch.options import LaunchOptions
from profilednn_tui.launch.report import write_report
from profilednn_tui.recording.ending import record_end, save_holder
from profilednn_tui.recording.sampler import RESERVE_BYTES, RESERVE_FILE, Sampler
from profilednn_tui.session.storage.folder import ExitFile, SessionFile


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("PROFILEDNN_HOME", str(tmp_path / "home"))
    return session.create_session(any_command(("true",)), LaunchOptions(), terminal=True)


def test_room_is_kept_for_the_exit_code(folder: Path) -> None:
    """Issue 2: when a run had filled the disk, the TUI exited with 0 instead of the target's exit code."""
    save_holder(folder, os.getpid())
    assert (folder / RESERVE_FILE).stat().st_blocks * 512 >= RESERVE_BYTES
    code = record_end(folder, Sampler(folder, os.getpid()), 5 << 8, resource.getrusage(resource.RUSAGE_SELF))
    assert not (folder / RESERVE_FILE).exists()
    ended = ExitFile.load(folder)
    assert ended is not None
    assert ended.exit_code == code == 5


def test_a_summary_of_a_run_whose_end_found_no_room_does_not_call_it_running(folder: Path) -> None:
    """Issue 2: the headless summary on a full disk said "running", because the launcher that wrote it still was."""
    assert SessionFile.load(folder).launcher_pid == os.getpid()
    assert "running" not in "\n".join(write_report(folder, None))


def test_a_session_that_cannot_be_written_leaves_no_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Issue 2: every refused start on a full disk left an empty folder behind."""

    def full(file: SessionFile, folder: Path) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setenv("PROFILEDNN_HOME", str(tmp_path))
    monkeypatch.setattr(SessionFile, "save", full)
    with pytest.raises(ProfilerError, match="No space left"):
        session.create_session(any_command(("true",)), LaunchOptions(), terminal=False)
    assert list(tmp_path.iterdir()) == []
