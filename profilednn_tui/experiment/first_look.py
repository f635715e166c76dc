"""A first run of the baseline, which decides how the others run: in lockstep or in turn, in place or in scratch copies.

It has the steps and the seed of the others, but is not compared with them. Unless the user has said --in-place, it
runs in a scratch copy, so that not even it overwrites anything.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import psutil

from profilednn_tui import units
from profilednn_tui.collect.cgroup import cgroup_of
from profilednn_tui.compare.runs import read_run
from profilednn_tui.errors import ProfilerError
from profilednn_tui.experiment.plan import Experiment, FirstLook
from profilednn_tui.experiment.runner import Starter, run_options, scratch_command, target_of, why_failed
from profilednn_tui.experiment.scratch import ScratchCopies, files_of
from profilednn_tui.experiment.side_effects import ProcessWatch, SideEffects, lasting, read_notes
from profilednn_tui.launch.command import TargetCommand
from profilednn_tui.session.open_session import open_session
from profilednn_tui.session.storage.folder import HolderFile
from profilednn_tui.session.view import SessionView

NAME = "first-look"
COPY_BYTES = 1 << 30
"""Larger folders are copied only on request."""
MEMORY_SHARE = 0.9
"""Share of the free memory that the variants may need together."""
NAMED_FILES = 3
"""Named in a sentence; the others are counted."""


def first_look(
    experiment: Experiment, folder: Path, start: Starter, on_beat: Callable[[float], None]
) -> FirstLook | int:
    """Run the baseline once; returns what was seen, or the signal that stopped it.

    Raises a `ProfilerError` if the run fails, or if the user has to decide before it.
    """
    found = look_at_baseline(experiment, folder, start, lambda session, elapsed_s: on_beat(elapsed_s))
    return found if isinstance(found, int) else found.first_look


@dataclass(frozen=True, slots=True)
class Look:
    """A first look, with the run that was looked at."""

    first_look: FirstLook
    view: SessionView
    duration_s: float
    """From the start of the process to its end."""


def look_at_baseline(
    experiment: Experiment, folder: Path, start: Starter, on_beat: Callable[[Path, float], None]
) -> Look | int:
    """As `first_look`; `on_beat` is called about once a second with the session's folder and the elapsed seconds."""
    baseline, root = experiment.variants[0], experiment.root or experiment.working_directory
    with ScratchCopies(folder) as copies:
        if experiment.scratch is False:
            return _look(experiment, folder, target_of(experiment, baseline), Path(root), start, on_beat)
        before = files_of(Path(root))
        if experiment.scratch is None and (before.size_bytes > COPY_BYTES or not before.complete):
            raise ProfilerError(
                f"The runs may overwrite files in {root}, which is too large to be copied unasked "
                f"({units.bytes_size(before.size_bytes)}). Say --in-place to run there, or --scratch to run in copies."
            )
        command = scratch_command(experiment, baseline, copies, NAME)
        assert command.scratch is not None
        return _look(experiment, folder, command, Path(command.scratch.copy), start, on_beat)


def _look(
    experiment: Experiment,
    folder: Path,
    command: TargetCommand,
    place: Path,
    start: Starter,
    on_beat: Callable[[Path, float], None],
) -> Look | int:
    """Run the baseline; `place` is the folder whose files are compared before and after."""
    baseline = experiment.variants[0]
    options = replace(run_options(experiment, baseline, 0), name=NAME, note_side_effects=True)
    watch: list[ProcessWatch] = []

    def beat(session: Path, elapsed_s: float) -> None:
        if not watch:
            watch.append(ProcessWatch(session))
        holder = HolderFile.load(session)
        if holder is not None:
            watch[0].look(holder.pid)
        on_beat(session, elapsed_s)

    before = files_of(place)
    (ended,) = start([(command, options)], folder, beat)
    if ended.stopped_by is not None:
        shutil.rmtree(ended.folder, ignore_errors=True)
        return ended.stopped_by
    with open_session(ended.folder) as session:
        run = read_run(session, ended.folder.name)
        failure = why_failed(ended, run, session)
    if failure:
        raise ProfilerError(f"The baseline {baseline.name} failed: {failure}")
    noted = read_notes(ended.folder)
    seen = watch[0].add_to(noted) if watch else noted
    inside, elsewhere = _divided(lasting(seen.files, ended.folder), place)
    after = files_of(place)
    existed = (name for name in inside if name in before.stamps or name in after.stamps)
    files = sorted({*before.changed_in(after), *existed})
    obstacles = "; ".join(_obstacles(seen, run.view, len(experiment.variants)))
    return Look(FirstLook(tuple(files), elsewhere, obstacles), run.view, ended.duration_s)


def settled(experiment: Experiment, look: FirstLook) -> Experiment:
    """The experiment with the order that is safe, if the user left it open; its place must be decided."""
    if experiment.lockstep is not None:
        return replace(experiment, first_look=look)
    shared = look.elsewhere if experiment.scratch else (*look.files, *look.elsewhere)
    written = f"the runs write {file_names(shared)}" if shared else ""
    reason = "; ".join(filter(None, (look.why_in_turn, written)))
    return replace(experiment, first_look=look, lockstep=not reason, order_reason=reason)


def settled_unasked(experiment: Experiment, look: FirstLook) -> Experiment:
    """As `settled`, with the place as well: in copies if runs write files in the folder, unless the user has decided.

    Raises a `ProfilerError` if copies do not protect all files.
    """
    if experiment.scratch is not False and look.elsewhere:
        raise ProfilerError(
            f"Each run writes {file_names(look.elsewhere)}, outside of {experiment.working_directory}, so that copies "
            "of the folder do not keep it from being overwritten. Make the script write elsewhere, or say --in-place "
            "if it may be overwritten."
        )
    scratch = bool(look.files) if experiment.scratch is None else experiment.scratch
    return settled(replace(experiment, scratch=scratch), look)


def file_names(files: tuple[str, ...]) -> str:
    """The first files by name, and the number of the others."""
    named = ", ".join(files[:NAMED_FILES])
    more = len(files) - NAMED_FILES
    return f"{named} and {units.count(more)} more" if more > 0 else named


def _divided(files: tuple[str, ...], place: Path) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Files in a folder, relative to it, and those elsewhere."""
    root = os.path.realpath(place) + os.sep
    paths = [(file, os.path.realpath(os.path.dirname(file)) + os.sep + os.path.basename(file)) for file in files]
    inside = tuple(path[len(root) :] for _, path in paths if path.startswith(root))
    return inside, tuple(file for file, path in paths if not path.startswith(root))


def _obstacles(seen: SideEffects, view: SessionView, variants: int) -> Iterator[str]:
    """Why the runs cannot make their steps in turn, apart from the files that they write."""
    trains = sum(process.steps > 0 for process in view.processes)
    if trains != 1:
        yield f"{units.count(trains)} processes train"
    if seen.ports:
        fixed = [port for port in seen.ports if port]  # 0 stands for any free port
        yield f"a run opens port {fixed[0]}, which only one at a time can have" if fixed else "a run opens a port"
    if seen.loader_timeout_s is not None:
        timeout = units.duration(seen.loader_timeout_s * 1e9)
        yield f"a DataLoader has a timeout ({timeout}) that would expire while other runs have their turns"
    if seen.other_sessions:
        yield f"{file_names(seen.other_sessions)} runs in a process group of its own, which cannot be stopped with it"
    needed_bytes = variants * ((view.memory.peak_rss_bytes or 0) + view.memory.workers_rss_bytes)
    free_bytes = _free_bytes()
    if needed_bytes > MEMORY_SHARE * free_bytes:
        yield (
            f"{units.count(variants)} variants at once would need about {units.bytes_size(needed_bytes)} of memory, "
            f"and {units.bytes_size(free_bytes)} is free"
        )


def _free_bytes() -> int:
    left = cgroup_of(os.getpid()).memory_left_bytes()
    available: int = psutil.virtual_memory().available
    return available if left is None else min(left, available)
