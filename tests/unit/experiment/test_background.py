"""How a target is started in the background: here a shell, which prints what it was given."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest

from profilednn_tui.errors import ProfilerError
from profilednn_tui.experiment.background import EndedRun, run_in_background
from profilednn_tui.launch.command import TargetCommand, any_command
from profilednn_tui.launch.options import LaunchOptions


@pytest.fixture
def elsewhere(tmp_path: Path) -> Path:
    """A working directory other than the current one, with a program in it."""
    folder = tmp_path / "elsewhere"
    folder.mkdir()
    program = folder / "tell"
    program.write_text("#!/bin/sh\npwd\n")
    program.chmod(0o700)
    return folder


def run(command: TargetCommand, home: Path) -> EndedRun:
    (ended,) = run_in_background([(command, LaunchOptions())], home, lambda folder, elapsed_s: None)
    return ended


def test_a_target_starts_in_its_working_directory_and_we_stay_in_ours(elsewhere: Path, tmp_path: Path) -> None:
    ours = Path.cwd()
    ended = run(any_command(("./tell",), str(elsewhere)), tmp_path / "home")
    assert ended.exit_code == 0
    assert (ended.folder / "output.log").read_text() == f"{elsewhere}\n"
    assert Path.cwd() == ours


def test_a_target_starts_with_the_signals_of_a_plain_run(elsewhere: Path, tmp_path: Path) -> None:
    script = "grep -E '^Sig(Blk|Ign)' /proc/self/status; kill -TERM $$"
    ended = run(any_command(("sh", "-c", script), str(elsewhere)), tmp_path / "home")
    assert ended.exit_code == -signal.SIGTERM
    blocked, ignored = (int(line.split()[1], 16) for line in (ended.folder / "output.log").read_text().splitlines())
    assert blocked == 0
    assert not ignored & (1 << (signal.SIGPIPE - 1) | 1 << (signal.SIGXFSZ - 1))


def test_what_cannot_be_started_leaves_no_session(elsewhere: Path, tmp_path: Path) -> None:
    command = any_command(("./tell",), str(elsewhere))
    os.unlink(elsewhere / "tell")
    with pytest.raises(ProfilerError, match=r"^Cannot start \./tell: No such file or directory\.$"):
        run(command, tmp_path / "home")
    assert list((tmp_path / "home").iterdir()) == []
