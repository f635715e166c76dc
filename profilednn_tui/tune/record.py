"""A search on disk: what it was asked to do, and what its stages have found, so that it can be resumed."""

from __future__ import annotations

import shutil
import time
from contextlib import suppress
from dataclasses import dataclass, replace
from enum import Enum
from pathlib import Path

import msgspec

from profilednn_tui.compare.factorial import Effect, Estimate
from profilednn_tui.compare.tuning import Eliminated
from profilednn_tui.errors import ProfilerError
from profilednn_tui.experiment.plan import Experiment
from profilednn_tui.experiment.runner import target_of
from profilednn_tui.experiment.variants import Variant
from profilednn_tui.paths import folders_with, new_session_folder
from profilednn_tui.plain import decode_plain
from profilednn_tui.protocol.events import MAGIC, VERSION
from profilednn_tui.session.storage.files import read_file
from profilednn_tui.session.storage.folder import UNREADABLE, VersionGuard, save_json

TUNE_FILE = "tune.json"
TUNE_BYTES = 4_000_000
SHOOTOUT_FOLDER = "shootout"
"""The experiment of the proof, in the folder of a search."""
MANY_STEPS = 1_000_000
"""Of the first look, which ends after some time."""
KEPT_SEARCHES, KEPT_BYTES = 10, 1_000_000_000
"""Older ones are removed when a new search begins: all but so many, and those beyond that size in all."""
RUNNING_S = 3600.0
"""A search whose record was written within that time may be running, and is left alone."""


@dataclass(frozen=True, slots=True)
class Wishes:
    """What the user asked for."""

    minutes: float
    over: tuple[str, ...] = ()
    without: tuple[str, ...] = ()
    steps: int | None = None
    """Of a run in the race and in the shootout; None for as many as there is time for."""


@dataclass(frozen=True, slots=True)
class Plain:
    """What the first look at the plain training has shown."""

    step_ns: float
    start_s: float
    """From the start of a process to its first step."""
    processes: int = 1
    """How many train."""


class Stage(Enum):
    """The stages of a search, in order."""

    LOOK = "first look"
    EFFECTS = "between steps"
    RACE = "race"
    SHOOTOUT = "shootout"
    CERTIFICATE = "certificate"
    DONE = "done"


@dataclass(frozen=True, slots=True)
class Search:
    """``tune.json``."""

    base: Experiment
    """What is run; its only variant is stock."""
    wishes: Wishes
    plain: Plain | None = None
    switches: tuple[str, ...] = ()
    """What is switched between steps."""
    variants: tuple[Variant, ...] = ()
    """What needs processes of its own."""
    left_out: tuple[Eliminated, ...] = ()
    estimate: Estimate | None = None
    """Of stage 1; None before its end."""
    chosen: Variant | None = None
    """The best setting of stage 1."""
    hopeful: tuple[str, ...] = ()
    """Switches that looked better in stage 1, but not beyond doubt."""
    waves: int = 0
    """Parts of stage 2 that are over."""
    raced: tuple[Effect, ...] = ()
    """Of those."""
    better: tuple[str, ...] = ()
    """What made steps shorter beyond doubt in them."""
    promising: tuple[str, ...] = ()
    """What looked better when time was up, but not beyond doubt; or was not tried, though its cause was found."""
    finalists: tuple[Variant, ...] | None = None
    """What is shot out against stock; None before that, empty if there is nothing."""
    duration_s: float = 0.0
    """Spent so far."""
    stage: Stage = Stage.LOOK
    """The one that is at work, or was when the search was stopped."""
    looking: tuple[Effect, ...] = ()
    """What that stage has seen so far, for those who watch."""
    magic: str = MAGIC
    version: int = VERSION

    def with_left_out(self, more: tuple[Eliminated, ...]) -> Search:
        return replace(self, left_out=(*self.left_out, *more))

    def save(self, folder: Path) -> None:
        try:
            save_json(folder / TUNE_FILE, self)
        except OSError as error:
            raise ProfilerError(
                f"Cannot write {folder / TUNE_FILE}: {error.strerror or error}. "
                "Free some space, or set PROFILEDNN_HOME to another folder."
            ) from None


def load_search(folder: Path, as_written: bool = False) -> Search:
    """Read a search; raises a `ProfilerError` if there is none that can be read.

    Texts are made plain, so that they are safe to print. With `as_written` they are unchanged, for starting runs.
    """
    path = folder / TUNE_FILE
    try:
        data = read_file(path, TUNE_BYTES)
        decode_plain(data, VersionGuard).check(str(folder))
        return msgspec.json.decode(data, type=Search) if as_written else decode_plain(data, Search)
    except OSError as error:
        raise ProfilerError(f"{folder} is no search: {path.name} cannot be read ({error.strerror}).") from None
    except UNREADABLE as error:
        raise ProfilerError(f"{folder} is no readable search: its {path.name} is damaged ({error}).") from None


def find_search(path_or_name: str) -> Path:
    """The folder of a search, by path, name or the beginning of its name; raises a `ProfilerError` if there is none."""
    path = Path(path_or_name).expanduser()
    if (path / TUNE_FILE).is_file():
        return path
    known = folders_with(TUNE_FILE)
    found = [folder for folder in known if path_or_name and folder.name.startswith(path_or_name)]
    if len(found) == 1 or (found and found[0].name == path_or_name):
        return found[0]
    some = ", ".join(folder.name for folder in known[:3])
    hint = f"The newest are: {some}." if some else "None has been begun on this machine."
    raise ProfilerError(f"There is no search {path_or_name}. {hint}")


def new_search(base: Experiment, wishes: Wishes) -> Path:
    """The folder of a new search; the oldest go. Raises a `ProfilerError` if the training cannot be started."""
    target_of(base, base.variants[0])
    _remove_old_searches()
    folder = new_session_folder(f"tune-{base.name}")
    Search(base, wishes).save(folder)
    return folder


def search_bytes(folder: Path) -> int:
    """What a search takes on disk, as far as that can be read."""
    total = 0
    for path in folder.rglob("*"):
        with suppress(OSError):
            total += path.lstat().st_size
    return total


def _remove_old_searches() -> None:
    kept_bytes = 0
    for number, folder in enumerate(folders_with(TUNE_FILE), start=1):
        kept_bytes += search_bytes(folder)
        if (number >= KEPT_SEARCHES or kept_bytes > KEPT_BYTES) and not _may_be_running(folder):
            shutil.rmtree(folder, ignore_errors=True)


def _may_be_running(folder: Path) -> bool:
    with suppress(OSError):
        return time.time() - (folder / TUNE_FILE).stat().st_mtime < RUNNING_S
    return False
