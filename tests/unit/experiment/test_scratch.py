"""Scratch copies of a working folder."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from profilednn_tui.errors import ProfilerError
from profilednn_tui.experiment import scratch
from profilednn_tui.experiment.scratch import ScratchCopies, copy_folder, files_of


@pytest.fixture
def working(tmp_path: Path) -> Path:
    """A project with a package, a virtual environment, a link, a pipe and a recording of ours."""
    folder = tmp_path / "project"
    for name in (
        "train.py",
        "package/model.py",
        ".venv/pyvenv.cfg",
        "runs/session.json",
        "package/__pycache__/model.pyc",
    ):
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(name)
    (folder / "data").symlink_to("/data")
    os.mkfifo(folder / "pipe")
    (folder / "package/model.py").chmod(0o444)
    return folder


def test_a_copy_has_the_files_and_links_to_the_environment(working: Path, tmp_path: Path) -> None:
    copy = tmp_path / "copy"
    copy_folder(working, copy)
    assert (copy / "package/model.py").read_text() == "package/model.py"
    assert (copy / "train.py").stat().st_mtime_ns == (working / "train.py").stat().st_mtime_ns
    assert (copy / "data").readlink() == Path("/data")
    assert (copy / ".venv").readlink() == working / ".venv"
    assert not (copy / "runs").exists()
    assert not (copy / "pipe").exists()
    (copy / "train.py").write_text("changed")
    assert (working / "train.py").read_text() == "train.py"


def test_a_copy_inside_the_folder_does_not_hold_itself(working: Path) -> None:
    """Issue 17, found by a gate whose sessions lie in the project: the copying went on until names were too long."""
    experiment = working / "home" / "gate"
    experiment.mkdir(parents=True)
    copy_folder(working, experiment / "scratch-revision")
    copied = sorted(path.name for path in (experiment / "scratch-revision").rglob("*") if path.is_file())
    assert copied == ["model.py", "model.pyc", "train.py"]


def test_what_was_written_changed_or_removed_is_found(working: Path) -> None:
    before = files_of(working)
    (working / "train.py").write_text("changed")
    (working / "package/model.py").unlink()
    (working / "model.pt").touch()
    (working / "runs/agent-1.jsonl").touch()
    assert before.changed_in(files_of(working)) == ("model.pt", "package/model.py", "train.py")


def test_a_copy_that_does_not_fit_is_refused(working: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scratch, "MOST_FILES", 2)
    with pytest.raises(ProfilerError, match="more than 2 files, too many for a scratch copy"):
        copy_folder(working, tmp_path / "copy")
    monkeypatch.undo()
    monkeypatch.setattr(scratch, "FREE_SHARE", 0.0)
    with pytest.raises(ProfilerError, match="Free some space, move data out of the folder, or use --in-place"):
        copy_folder(working, tmp_path / "copy")
    assert not (tmp_path / "copy").exists()


def test_no_copy_outlives_the_block(working: Path, tmp_path: Path) -> None:
    """A run may have left folders that its owner cannot write to."""
    with ScratchCopies(tmp_path) as copies:
        copy = copies.make("A", working)
        assert copy.name == "scratch-A"
        (copy / "locked").mkdir()
        (copy / "locked" / "file").touch()
        (copy / "locked").chmod(0o500)
    assert not list(tmp_path.glob("scratch-*"))
