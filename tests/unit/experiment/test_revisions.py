"""The files of other revisions, in copies."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from profilednn_tui.errors import ProfilerError
from profilednn_tui.experiment.revisions import Revision, Versions, baseline_folder, find_revision, find_versions
from profilednn_tui.experiment.scratch import ScratchCopies


def git(folder: Path, *words: str) -> str:
    identity = ("-c", "user.name=Test", "-c", "user.email=test@example.org", "-c", "init.defaultBranch=main")
    done = subprocess.run(["git", *identity, *words], cwd=folder, check=True, capture_output=True, text=True)
    return done.stdout


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """Two commits: the second changes a file, adds one and removes one; `data` is not tracked."""
    folder = tmp_path / "repository"
    (folder / "package").mkdir(parents=True)
    git(folder, "init", "-q")
    (folder / ".gitignore").write_text("data\n")
    (folder / "package/model.py").write_text("first")
    (folder / "old.py").write_text("old")
    git(folder, "add", "-A")
    git(folder, "commit", "-qm", "First")
    (folder / "package/model.py").write_text("second")
    (folder / "old.py").unlink()
    (folder / "new.py").write_text("new")
    git(folder, "add", "-A")
    git(folder, "commit", "-qm", "Second")
    (folder / "data").write_text("data")
    return folder


def test_the_default_is_the_last_committed_state_that_differs(repository: Path) -> None:
    assert find_revision(str(repository), None).title == "First"
    (repository / "untracked.py").touch()
    assert find_revision(str(repository), None).title == "First"
    (repository / "new.py").write_text("changed")
    assert find_revision(str(repository / "package"), None).title == "Second"
    assert find_revision(str(repository / "package"), None).root == repository


def test_a_copy_has_the_files_of_the_revision_and_what_git_does_not_track(repository: Path, tmp_path: Path) -> None:
    before = git(repository, "status", "--porcelain=v2", "--branch"), (repository / ".git/index").read_bytes()
    versions = find_versions(str(repository), "HEAD~1")
    with ScratchCopies(tmp_path) as copies:
        copy = baseline_folder(versions, copies)
        assert (copy / "package/model.py").read_text() == "first"
        assert (copy / "old.py").read_text() == "old"
        assert not (copy / "new.py").exists()
        assert (copy / "data").read_text() == "data"
    assert not copy.exists()
    assert (repository / "package/model.py").read_text() == "second"
    assert git(repository, "worktree", "list").count("\n") == 1
    assert (git(repository, "status", "--porcelain=v2", "--branch"), (repository / ".git/index").read_bytes()) == before


def test_a_folder_goes_before_a_revision_of_the_same_name(repository: Path, tmp_path: Path) -> None:
    git(repository, "branch", "package")
    assert find_versions(str(repository), "package").baseline == repository / "package"
    assert find_versions(str(tmp_path), "repository") == Versions(tmp_path, repository), "git is not needed"
    assert isinstance(find_versions(str(repository), "main").baseline, Revision)


@pytest.mark.parametrize("name", ["nowhere", "--all", "HEAD~5"])
def test_a_revision_that_does_not_exist_is_refused(repository: Path, name: str) -> None:
    with pytest.raises(ProfilerError, match="Name a commit, a branch or a folder"):
        find_versions(str(repository), name)


def test_a_folder_without_git_is_told(tmp_path: Path) -> None:
    with pytest.raises(ProfilerError, match="Name a folder instead"):
        find_versions(str(tmp_path), None)


def test_nothing_that_a_repository_names_is_run(repository: Path, tmp_path: Path) -> None:
    """A file-system monitor or hook is a command in the repository's configuration."""
    (tmp_path / "hook").write_text(f"#!/bin/sh\ntouch {tmp_path}/ran\n")
    (tmp_path / "hook").chmod(0o755)
    git(repository, "config", "core.fsmonitor", str(tmp_path / "hook"))
    with ScratchCopies(tmp_path) as copies:
        baseline_folder(find_versions(str(repository), None), copies)
    assert not (tmp_path / "ran").exists()
