"""The files of another git revision, beside everything in the working folder that git does not track.

Nothing in the user's repository changes: the revision's files are written through an index of our own into a copy.
"""

from __future__ import annotations

import os
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from profilednn_tui.errors import ProfilerError
from profilednn_tui.experiment.scratch import ScratchCopies
from profilednn_tui.plain import plain

HEAD, BEFORE_HEAD = "HEAD", "HEAD~1"


@dataclass(frozen=True, slots=True)
class Revision:
    """A commit of the repository that a folder belongs to."""

    root: Path
    """The top folder of the working tree."""
    commit: str
    """The full hash."""
    title: str

    @property
    def text(self) -> str:
        return f"{self.commit[:10]} ({self.title})"


@dataclass(frozen=True, slots=True)
class Versions:
    """The two versions of a gate."""

    root: Path
    """The candidate: the user's folder as it is, which contains the working directory."""
    baseline: Revision | Path
    """A revision of the repository in `root`, or a folder that corresponds to the working directory."""

    @property
    def text(self) -> str:
        """What is compared with what."""
        name = self.baseline if isinstance(self.baseline, Path) else f"revision {self.baseline.text}"
        return f"{self.root} as it is against {name}"


def find_versions(working_directory: str, baseline: str | None) -> Versions:
    """The versions that the user named: a folder, a revision or, by default, the last committed state.

    Raises a `ProfilerError` if there is no such folder or revision.
    """
    if baseline is not None and os.path.isdir(os.path.join(working_directory, baseline)):
        return Versions(Path(working_directory), Path(working_directory, baseline).resolve())
    revision = find_revision(working_directory, baseline)
    return Versions(revision.root, revision)


def baseline_folder(versions: Versions, copies: ScratchCopies) -> Path:
    """The folder that the baseline's scratch copies are made of: for a revision, a copy with its files."""
    if isinstance(versions.baseline, Path):
        return versions.baseline
    copy = copies.make("revision", versions.root)
    write_revision(versions.baseline, copy)
    return copy


def find_revision(folder: str, name: str | None) -> Revision:
    """A revision by name; without one, the last commit if the working tree differs from it, else the one before.

    Raises a `ProfilerError` if there is none.
    """
    root = Path(_git(folder, "rev-parse", "--show-toplevel").strip())
    if name is None:
        name = HEAD if _git(folder, "status", "--porcelain", "--untracked-files=no").strip() else BEFORE_HEAD
    if name.startswith("-"):
        raise ProfilerError(f"{name} is not a revision. Name a commit, a branch or a folder.")
    try:
        commit = _git(folder, "rev-parse", "--verify", "--quiet", f"{name}^{{commit}}").strip()
    except ProfilerError:
        raise ProfilerError(
            f"There is no revision {name} in {root}. Name a commit, a branch or a folder with --baseline; a shallow "
            "clone needs `git fetch --deepen 1` first."
        ) from None
    return Revision(root, commit, plain(_git(folder, "log", "-1", "--format=%s", commit).strip()))


def write_revision(revision: Revision, copy: Path) -> None:
    """Replace the tracked files in a copy of the working tree with those of a revision."""
    root = str(revision.root)
    for name in _names(_git(root, "ls-files", "-z")):
        with suppress(OSError):
            (copy / name).unlink()
    with tempfile.TemporaryDirectory() as folder:
        index = {"GIT_INDEX_FILE": os.path.join(folder, "index")}
        _git(root, "read-tree", revision.commit, **index)
        _git(root, "checkout-index", "--all", "--force", f"--prefix={copy}/", **index)


def _names(listed: str) -> Iterator[str]:
    return (name for name in listed.split("\0") if name)


def _git(folder: str, *words: str, **variables: str) -> str:
    # Hooks, file monitors and pagers that the repository names are not run.
    settings = ("-c", "core.fsmonitor=false", "-c", f"core.hooksPath={os.devnull}")
    try:
        done = subprocess.run(
            ["git", *settings, "-C", folder, *words],
            env={**os.environ, "LC_ALL": "C", **variables},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            check=False,
        )
    except OSError as error:
        raise ProfilerError(f"git cannot be started ({error.strerror}). Install it, or name a folder.") from None
    if done.returncode:
        told = plain(done.stderr.decode("utf-8", "replace").strip().splitlines()[-1:][0] if done.stderr.strip() else "")
        raise ProfilerError(f"git {words[0]} failed in {folder}: {told or done.returncode}. Name a folder instead.")
    return done.stdout.decode("utf-8", "surrogateescape")
