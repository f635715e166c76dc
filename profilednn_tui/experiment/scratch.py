"""Scratch copies of a working folder, so that runs do not overwrite the user's files."""

from __future__ import annotations

import fcntl
import os
import shutil
import stat
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from profilednn_tui.errors import ProfilerError
from profilednn_tui.experiment.plan import EXPERIMENT_FILE
from profilednn_tui.experiment.watchdog import Watchdog
from profilednn_tui.paths import FOLDER_MODE, SESSION_FILE
from profilednn_tui.units import bytes_size

ENVIRONMENT_MARK = "pyvenv.cfg"
"""Marks a virtual environment; a copy links to it, because it is large and runs only read it."""
RECORDING_MARKS = (SESSION_FILE, EXPERIMENT_FILE)
"""Mark our own recordings, which are neither looked at nor copied."""
MOST_FILES = 200_000
"""In a folder that is looked at or copied."""
CLONE_FILE = 0x40049409
"""ioctl FICLONE: the copy shares its blocks with the original, on filesystems that can."""
FREE_SHARE = 0.9
"""Share of the free space that a copy may take."""

Stamp = tuple[int, int, int]
"""Time of the last change in ns, size in bytes and inode of a file."""


@dataclass(frozen=True, slots=True)
class FolderFiles:
    """The files of a folder at one moment, by their paths relative to it."""

    stamps: dict[str, Stamp]
    size_bytes: int
    complete: bool
    """Whether there are at most `MOST_FILES`."""

    def changed_in(self, later: FolderFiles) -> tuple[str, ...]:
        """The files that are new, changed or gone."""
        names = self.stamps.keys() | later.stamps.keys()
        return tuple(sorted(name for name in names if self.stamps.get(name) != later.stamps.get(name)))


def files_of(folder: Path) -> FolderFiles:
    """Read the metadata of all files in a folder, without bytecode caches, virtual environments and recordings."""
    stamps: dict[str, Stamp] = {}
    size_bytes = 0
    for path, status in _walk(folder):
        if len(stamps) == MOST_FILES:
            return FolderFiles(stamps, size_bytes, complete=False)
        stamps[os.path.relpath(path, folder)] = (status.st_mtime_ns, status.st_size, status.st_ino)
        size_bytes += status.st_size if stat.S_ISREG(status.st_mode) else 0
    return FolderFiles(stamps, size_bytes, complete=True)


def copy_folder(folder: Path, copy: Path) -> None:
    """Copy a working folder; raises a `ProfilerError` if it is too large or the disk too full."""
    files = files_of(folder)
    free_bytes = shutil.disk_usage(copy.parent).free
    if not files.complete:
        raise ProfilerError(
            f"{folder} has more than {MOST_FILES:,} files, too many for a scratch copy. Use --in-place."
        )
    if files.size_bytes > FREE_SHARE * free_bytes:
        raise ProfilerError(
            f"A scratch copy of {folder} needs {bytes_size(files.size_bytes)}, and the disk of {copy.parent} has "
            f"{bytes_size(free_bytes)}. Free some space, move data out of the folder, or use --in-place."
        )
    try:
        # The copy may lie inside the folder: what holds it is left out, or the copying would never end.
        _copy_tree(folder, copy, left_out=copy.parent.stat())
    except OSError as error:
        remove_copy(copy)
        raise ProfilerError(
            f"{folder} cannot be copied: {error.filename or copy}: {error.strerror or error}. "
            "Make it readable, or use --in-place."
        ) from None


class ScratchCopies:
    """Copies of folders; none outlives the block, even if this process is killed."""

    def __init__(self, folder: Path) -> None:
        """The copies lie in `folder`."""
        self._folder = folder
        self._copies: list[Path] = []
        self._watchdog: Watchdog | None = None

    def __enter__(self) -> ScratchCopies:
        return self

    def __exit__(self, *error: object) -> None:
        self.remove()
        if self._watchdog is not None:
            self._watchdog.close()

    def make(self, name: str, original: str | Path) -> Path:
        """A new copy of a folder; raises a `ProfilerError` if there cannot be one."""
        copy = self._folder / f"scratch-{name}"
        if self._watchdog is None:
            self._watchdog = Watchdog()
        self._watchdog.removes(str(copy))
        remove_copy(copy)
        self._copies.append(copy)
        copy_folder(Path(original), copy)
        return copy

    def remove(self) -> None:
        """Remove the copies made so far."""
        while self._copies:
            remove_copy(self._copies.pop())


def remove_copy(copy: Path) -> None:
    """Remove a scratch copy, whatever the permissions of what a run left there."""
    for parent, folders, _ in os.walk(copy):
        for name in folders:
            path = os.path.join(parent, name)
            if not os.path.islink(path):
                with suppress(OSError):
                    os.chmod(path, FOLDER_MODE)
    shutil.rmtree(copy, ignore_errors=True)


def _walk(folder: Path) -> Iterator[tuple[str, os.stat_result]]:
    """The files below a folder, and the links, which are not followed."""
    waiting = [str(folder)]
    while waiting:
        try:
            entries = list(os.scandir(waiting.pop()))
        except OSError:
            continue
        if any(entry.name in (ENVIRONMENT_MARK, *RECORDING_MARKS) for entry in entries):
            continue
        for entry in entries:
            if entry.name == "__pycache__":
                continue
            with suppress(OSError):  # removed in the meantime
                if entry.is_dir(follow_symlinks=False):
                    waiting.append(entry.path)
                else:
                    yield entry.path, entry.stat(follow_symlinks=False)


def _copy_tree(folder: Path, copy: Path, left_out: os.stat_result) -> None:
    copy.mkdir(mode=FOLDER_MODE)
    for entry in os.scandir(folder):
        target = copy / entry.name
        status = entry.stat(follow_symlinks=False)
        if stat.S_ISLNK(status.st_mode):
            os.symlink(os.readlink(entry.path), target)
        elif stat.S_ISDIR(status.st_mode):
            if os.path.samestat(status, left_out):
                continue
            if os.path.lexists(os.path.join(entry.path, ENVIRONMENT_MARK)):
                os.symlink(entry.path, target)
            elif not any(os.path.lexists(os.path.join(entry.path, mark)) for mark in RECORDING_MARKS):
                _copy_tree(Path(entry.path), target, left_out)
        elif stat.S_ISREG(status.st_mode):
            _copy_file(entry.path, target, status)


def _copy_file(path: str, target: Path, status: os.stat_result) -> None:
    with open(path, "rb") as source, open(target, "xb") as destination:
        try:
            fcntl.ioctl(destination.fileno(), CLONE_FILE, source.fileno())
        except OSError:  # another filesystem, or one without shared blocks
            shutil.copyfileobj(source, destination, 1 << 20)
        os.fchmod(destination.fileno(), stat.S_IMODE(status.st_mode) | stat.S_IRUSR | stat.S_IWUSR)
    os.utime(target, ns=(status.st_atime_ns, status.st_mtime_ns))
