"""An experiment on disk: a folder of sessions and a small file that describes them."""

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
"""Upper bound of the file's size: 10,000 runs."""
MOST_REPEATS = 1_000
MOST_VARIANTS = 200


RunGroup = tuple[tuple[Variant, int], ...]
"""The variant and block of each run in a group that is started together."""


class RunState(Enum):
    """How a run ended."""

    DONE = "done"
    DISTURBED = "disturbed"
    """It finished, but there was other load on the machine."""
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class RunEntry:
    """One finished run."""

    variant: str
    block: Integer
    """Counted from 0; each block has one run of each variant."""
    folder: Annotated[str, msgspec.Meta(pattern=r"^(?!\.{1,2}$)[^/]+$")]
    """Name of its session folder in the experiment's folder."""
    state: RunState
    reason: str = ""
    """Why the state is not `DONE`."""
    duration_s: float = 0.0
    """From start to end; used to estimate the remaining time."""


@dataclass(frozen=True, slots=True)
class FirstLook:
    """What a first run of the baseline did outside its session."""

    files: tuple[str, ...] = ()
    """Files in the working directory that it wrote, changed or removed; paths are relative to it."""
    elsewhere: tuple[str, ...] = ()
    """The same outside of the working directory."""
    why_in_turn: str = ""
    """Why the runs cannot be in lockstep, apart from these files; empty if they can."""


@dataclass(frozen=True, slots=True)
class Experiment:
    """``experiment.json``: the planned runs and the finished ones."""

    name: str
    words: Annotated[tuple[str, ...], msgspec.Meta(min_length=1)]
    """The target as given by the user: script, ``-m`` module or command, with its arguments."""
    kind: Annotated[str, msgspec.Meta(pattern="^(script|module|command)$")]
    """``script``, ``module`` or ``command``."""
    working_directory: str
    variants: Annotated[tuple[Variant, ...], msgspec.Meta(min_length=1, max_length=MOST_VARIANTS)]
    """The first is the baseline."""
    repeat: Annotated[int, msgspec.Meta(ge=1, le=MOST_REPEATS)]
    """Runs of each variant."""
    steps: Integer
    """Steps per run."""
    seed: Integer
    start_unix_ns: Integer
    skip: Integer = 0
    """Steps at the beginning of each run that are not judged, beside the warm-up."""
    python: str | None = None
    """The interpreter of variants that have none of their own."""
    environment: dict[str, str] = field(default_factory=dict)
    """Variables for all variants."""
    overhead_percent: float = 0.0
    lockstep: bool | None = False
    """Whether the variants of a block run in lockstep; None as long as that is not decided."""
    order_reason: str = ""
    """Why the runs are in turn, if the first look decided that."""
    scratch: bool | None = False
    """Whether each run gets a scratch copy of the working directory; None as long as that is not decided."""
    root: str | None = None
    """The folder around the working directory that scratch copies are made of; None for the working directory."""
    first_look: FirstLook | None = None
    spread: Spread | None = None
    """The spread of earlier runs on this machine, if it was known when the experiment began."""
    ablated: tuple[str, ...] = ()
    """The optimizations whose contributions are measured."""
    runs: tuple[RunEntry, ...] = ()
    certify: bool = True
    """Whether a certificate is wanted: that the variants train the same as the baseline."""
    certificates: tuple[RunEntry, ...] = ()
    """The runs for it, one per variant; they are not timed."""
    magic: str = MAGIC
    version: int = VERSION

    @property
    def is_grid(self) -> bool:
        """Whether its variants are the cells of a grid."""
        return any(variant.values for variant in self.variants)

    def with_run(self, run: RunEntry) -> Experiment:
        return replace(self, runs=(*self.runs, run))

    def pending(self) -> tuple[tuple[Variant, int], ...]:
        """Variant and block of the remaining runs, in order: A B B A A B ...

        Every other block runs in reverse order, so that a gradual slowdown of the machine affects all variants alike.
        """
        finished = {(run.variant, run.block) for run in self.runs if run.state is not RunState.FAILED}
        ordered = [
            (variant, block)
            for block in range(self.repeat)
            for variant in (self.variants if block % 2 == 0 else reversed(self.variants))
        ]
        return tuple(one for one in ordered if (one[0].name, one[1]) not in finished)

    def uncertified(self) -> tuple[Variant, ...]:
        """The variants that have other runs, but none for the certificate; none without a baseline to compare with."""
        certified = {run.variant for run in self.certificates if run.state is not RunState.FAILED}
        made = {run.variant for run in self.runs if run.state is not RunState.FAILED}
        ready = tuple(variant for variant in self.variants if variant.name in made)
        if not self.certify or len(ready) < 2 or ready[0] != self.variants[0]:
            return ()
        return tuple(variant for variant in ready if variant.name not in certified)

    def next_groups(self) -> Iterator[RunGroup]:
        """The remaining runs in groups to start together: single runs or, in lockstep, the rest of a block."""
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
    """A folder whose experiment cannot be read."""

    folder: Path
    reason: str
    """A sentence."""


def load_experiment(folder: Path, as_written: bool = False) -> Recorded:
    """Read an experiment; raises a `ProfilerError` if the folder has none that can be read.

    Texts are made plain, so that they are safe to print. With `as_written` they are unchanged, for starting runs.
    """
    path = folder / EXPERIMENT_FILE
    try:
        data = read_file(path, EXPERIMENT_BYTES)
        decode_plain(data, VersionGuard).check(str(folder))
        decode = msgspec.json.Decoder(Experiment).decode if as_written else partial(decode_plain, kind=Experiment)
        return Recorded(folder, decode(data))
    except OSError as error:
        raise ProfilerError(f"{folder} is not an experiment: {path.name} cannot be read ({error.strerror}).") from None
    except UNREADABLE as error:
        raise ProfilerError(f"{folder} is not a readable experiment: its {path.name} is damaged ({error}).") from None


def find_experiment(path_or_name: str) -> Path | None:
    """Find an experiment by path, folder name, unambiguous prefix of one, or given name (the newest one wins)."""
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
    """The readable experiments on this machine, newest first."""
    return (one for one in survey_experiments() if isinstance(one, Recorded))


def survey_experiments() -> Iterator[Recorded | DamagedExperiment]:
    """All experiments on this machine, including damaged ones, newest first."""
    for folder in folders_with(EXPERIMENT_FILE):
        try:
            yield load_experiment(folder)
        except ProfilerError as error:
            yield DamagedExperiment(folder, str(error).replace(str(folder), "it", 1))
