"""An experiment on the disk: a folder of sessions, and a small file that says what they are."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from enum import Enum
from functools import partial
from itertools import groupby
from pathlib import Path
from typing import Annotated

import msgspec

from profilednn_tui.errors import ProfilerError
from profilednn_tui.experiment.variants import Variant
from profilednn_tui.paths import folders_with
from profilednn_tui.plain import decode_plain
from profilednn_tui.protocol.events import MAGIC, VERSION
from profilednn_tui.session.spread import Spread
from profilednn_tui.session.storage.files import read_file
from profilednn_tui.session.storage.folder import UNREADABLE, VersionGuard, save_json
from profilednn_tui.session.storage.limits import Integer

EXPERIMENT_FILE = "experiment.json"
EXPERIMENT_BYTES = 4_000_000
"""What the file never exceeds: 10,000 runs."""
MOST_REPEATS = 1_000
MOST_VARIANTS = 200


RunGroup = tuple[tuple[Variant, int], ...]
"""Runs that are started together, each as its variant and block."""


class RunState(Enum):
    """What became of a run."""

    DONE = "done"
    DISTURBED = "disturbed"
    """It ran to its end, but something else was busy."""
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class RunEntry:
    """One finished run."""

    variant: str
    block: Integer
    """Counts from 0; each block has one run of each variant."""
    folder: Annotated[str, msgspec.Meta(pattern=r"^(?!\.{1,2}$)[^/]+$")]
    """Name of its session below the experiment's folder."""
    state: RunState
    reason: str = ""
    """Why it is not simply done."""
    duration_s: float = 0.0
    """From its start to its end, as the remaining time is estimated from it."""


@dataclass(frozen=True, slots=True)
class Experiment:
    """``experiment.json``: what is to be run, and what has been."""

    name: str
    words: Annotated[tuple[str, ...], msgspec.Meta(min_length=1)]
    """The target as the user named it: script, ``-m`` module or command, with its arguments."""
    kind: Annotated[str, msgspec.Meta(pattern="^(script|module|command)$")]
    """``script``, ``module`` or ``command``."""
    working_directory: str
    variants: Annotated[tuple[Variant, ...], msgspec.Meta(min_length=1, max_length=MOST_VARIANTS)]
    """The first is the baseline."""
    repeat: Annotated[int, msgspec.Meta(ge=1, le=MOST_REPEATS)]
    """Runs of each variant."""
    steps: Integer
    """Of each run."""
    seed: Integer
    start_unix_ns: Integer
    python: str | None = None
    """The interpreter of variants without their own."""
    environment: dict[str, str] = field(default_factory=dict)
    """Of all variants."""
    overhead_percent: float = 0.0
    lockstep: bool = False
    """Whether the variants of a block run at the same time and make their steps in turn."""
    spread: Spread | None = None
    """What earlier runs on this machine differed by, as far as that was known when the experiment began."""
    ablated: tuple[str, ...] = ()
    """The optimizations whose contributions are measured."""
    runs: tuple[RunEntry, ...] = ()
    magic: str = MAGIC
    version: int = VERSION

    def with_run(self, run: RunEntry) -> Experiment:
        return replace(self, runs=(*self.runs, run))

    def pending(self) -> tuple[tuple[Variant, int], ...]:
        """Variant and block of the runs that are still to be made, in their order: A B B A A B ...

        A block is run forward and the next one backward, so that a machine that slows down does so for all variants.
        """
        finished = {(run.variant, run.block) for run in self.runs if run.state is not RunState.FAILED}
        ordered = [
            (variant, block)
            for block in range(self.repeat)
            for variant in (self.variants if block % 2 == 0 else reversed(self.variants))
        ]
        return tuple(one for one in ordered if (one[0].name, one[1]) not in finished)

    def next_groups(self) -> Iterator[RunGroup]:
        """What is still to be made, as it is started: run by run, or in lockstep the rest of a block together."""
        for _, group in groupby(self.pending(), key=lambda one: one[1] if self.lockstep else one):
            yield tuple(group)

    def runs_of(self, variant: str) -> tuple[RunEntry, ...]:
        return tuple(run for run in self.runs if run.variant == variant)

    def save(self, folder: Path) -> None:
        try:
            save_json(folder / EXPERIMENT_FILE, self)
        except OSError as error:
            raise ProfilerError(
                f"Cannot write {folder / EXPERIMENT_FILE}: {error.strerror or error}. "
                "Free some space, or set PROFILEDNN_HOME to another folder."
            ) from None


@dataclass(frozen=True, slots=True)
class Recorded:
    """An experiment with its folder."""

    folder: Path
    experiment: Experiment = field(hash=False)


@dataclass(frozen=True, slots=True)
class DamagedExperiment:
    """A folder that ought to be an experiment."""

    folder: Path
    reason: str
    """A sentence."""


def load_experiment(folder: Path, as_written: bool = False) -> Recorded:
    """Read an experiment; a `ProfilerError` when the folder holds none.

    Its texts are plain; `as_written` they are those that are started, and not for a terminal.
    """
    path = folder / EXPERIMENT_FILE
    try:
        data = read_file(path, EXPERIMENT_BYTES)
        decode_plain(data, VersionGuard).check(str(folder))
        decode = msgspec.json.Decoder(Experiment).decode if as_written else partial(decode_plain, kind=Experiment)
        return Recorded(folder, decode(data))
    except OSError as error:
        raise ProfilerError(f"{folder} is no experiment: {path.name} cannot be read ({error.strerror}).") from None
    except UNREADABLE as error:
        raise ProfilerError(f"{folder} is no readable experiment: its {path.name} is damaged ({error}).") from None


def find_experiment(path_or_name: str) -> Path | None:
    """The folder of an experiment: a path, the name of its folder, or the name its user gave it (the newest)."""
    path = Path(os.path.expanduser(path_or_name))
    if os.path.lexists(path / EXPERIMENT_FILE):
        return path
    recorded = list(list_experiments())
    exact = [one.folder for one in recorded if path_or_name in (one.folder.name, one.experiment.name)]
    if exact:
        return exact[0]
    beginning = [one.folder for one in recorded if path_or_name and one.folder.name.startswith(path_or_name)]
    return beginning[0] if len(beginning) == 1 else None


def list_experiments() -> Iterator[Recorded]:
    """The experiments of this machine, newest first; without those that cannot be read."""
    return (one for one in survey_experiments() if isinstance(one, Recorded))


def survey_experiments() -> Iterator[Recorded | DamagedExperiment]:
    """The experiments of this machine, newest first, and the damaged ones among them."""
    for folder in folders_with(EXPERIMENT_FILE):
        try:
            yield load_experiment(folder)
        except ProfilerError as error:
            yield DamagedExperiment(folder, str(error).replace(str(folder), "it", 1))
