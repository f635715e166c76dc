"""Turns names from the command line into sides and reports."""

from __future__ import annotations

import glob
import os
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import replace
from fnmatch import fnmatch
from pathlib import Path

from profilednn_tui.compare.ablation import contributions
from profilednn_tui.compare.comparison import compare
from profilednn_tui.compare.runs import Run, Side, read_run, side_from
from profilednn_tui.compare.samples import FairSteps, common_warm_up, fair_steps
from profilednn_tui.errors import ProfilerError
from profilednn_tui.experiment.plan import Recorded, RunEntry, RunState, find_experiment, load_experiment
from profilednn_tui.export.comparison.report import Report
from profilednn_tui.paths import list_session_folders, session_word
from profilednn_tui.plain import plain
from profilednn_tui.session.open_session import open_session
from profilednn_tui.session.storage.snapshot import SUFFIX

VARIANT_MARK = ":"


def side_of(text: str) -> Side:
    """Read one or more sessions, snapshots or ``EXPERIMENT:VARIANT``, separated by commas; allows shell patterns."""
    names = [text] if os.path.lexists(os.path.expanduser(text)) else [one for one in text.split(",") if one]
    parts = [_part(name) for one in names for name in expanded(one)]
    if not parts:
        raise ProfilerError(f"No session matches {text}. `profilednn-tui list` shows the sessions on this machine.")
    if len(parts) == 1:
        return parts[0]
    return side_from(plain(text), [run for part in parts for run in (*part.runs, *part.left_out)])


def sessions_report(baseline: str, candidate: str, across: Collection[str]) -> Report:
    """Compare two sides."""
    first, second = side_of(baseline), side_of(candidate)
    if first.name == second.name:
        first, second = replace(first, name=plain(baseline)), replace(second, name=plain(candidate))
    return Report(f"{second.name} against {first.name}", (compare(first, second, across),))


def expanded(name: str) -> list[str]:
    """The matches of a pattern: files and folders, or else names of sessions on this machine."""
    if not glob.has_magic(name):
        return [name]
    paths = sorted(glob.glob(os.path.expanduser(name)))
    return paths or sorted(folder.name for folder in list_session_folders() if fnmatch(folder.name, name))


def find_variant(name: str) -> tuple[Recorded, str] | None:
    """The experiment and the variant that ``EXPERIMENT:VARIANT`` names; None if it is no such name."""
    where, mark, variant = name.rpartition(VARIANT_MARK)
    folder = find_experiment(where) if mark else None
    if folder is None:
        return None
    recorded = load_experiment(folder)
    if variant not in (known := [one.name for one in recorded.experiment.variants]):
        raise ProfilerError(f"The experiment {where} has no variant {variant}. There are: {', '.join(known)}.")
    return recorded, variant


def _part(name: str) -> Side:
    found = find_variant(name)
    if found is not None:
        return variant_side(*found)
    folder = find_experiment(name)
    if folder is not None:
        names = ", ".join(f"{name}{VARIANT_MARK}{one.name}" for one in load_experiment(folder).experiment.variants)
        raise ProfilerError(f"{name} is an experiment: name it alone, or one of its variants: {names}.")
    with open_session(name) as session:
        run = read_run(session)
    return side_from(plain(Path(name).name.removesuffix(SUFFIX)), [run])


def experiment_report(folder: Path, across: Collection[str] = ()) -> Report:
    """Compare all variants of an experiment with its first."""
    recorded = load_experiment(folder)
    experiment = recorded.experiment
    sides = {variant.name: variant_side(recorded, variant.name) for variant in experiment.variants}
    baseline, *candidates = sides.values()
    if not baseline.runs:
        raise ProfilerError(f"The experiment {experiment.name} has no finished run of {baseline.name} yet.")
    comparisons = tuple(compare(baseline, side, across) for side in candidates if side.runs)
    notes = [f"no finished run of {side.name}" for side in candidates if not side.runs]
    missing = len(experiment.pending())
    if missing:
        notes.append(
            f"{missing} runs are missing: `profilednn-tui experiment --resume {session_word(folder)}` makes them"
        )
    uncertified = experiment.uncertified() if experiment.certificates else ()
    if uncertified:
        names = ", ".join(variant.name for variant in uncertified)
        resume = f"profilednn-tui experiment --resume {session_word(folder)}"
        notes.append(f"no run for the certificate of {names}: `{resume}` makes it")
    notes += _lockstep_notes(sides.values()) if experiment.lockstep else []
    notes += [f"in turn, not in lockstep: {experiment.order_reason}"] if experiment.order_reason else []
    notes += ["each run had a scratch copy of the working folder"] if experiment.scratch else []
    every = (*experiment.runs, *experiment.certificates)
    notes += [f"{run.folder}: {run.reason}" for run in every if run.state is RunState.FAILED]
    ablation = contributions(experiment.ablated, _settled(sides)) if experiment.ablated else None
    return Report(experiment.name, comparisons, ablation, tuple(notes))


def _lockstep_notes(sides: Iterable[Side]) -> Iterator[str]:
    yield "in lockstep: each variant was stopped while another made its step; CPU percentages cover the whole time"
    for side in sides:
        for run in side.runs[:1]:
            threads, cores = run.view.target.intra_op_threads, run.view.machine.affinity
            if threads is not None and cores is not None and threads < cores:
                yield (
                    f"{side.name} trains with {threads} of {cores} threads: pin it with taskset, "
                    "so that all variants use the same cores"
                )


def variant_side(recorded: Recorded, variant: str) -> Side:
    """The runs of a variant that did not fail."""
    entries = [run for run in recorded.experiment.runs_of(variant) if run.state is not RunState.FAILED]
    reasons = {run.folder: run.reason for run in entries if run.state is RunState.DISTURBED}
    runs = [read_entry(recorded, run) for run in entries]
    side = side_from(variant, runs, recorded.experiment.repeat, reasons)
    entries = [run for run in recorded.experiment.certificates if run.variant == variant]
    certified = [read_entry(recorded, run) for run in entries if run.state is not RunState.FAILED]
    return replace(side, certificate=certified[-1]) if certified else side


def undisturbed_groups(recorded: Recorded, variants: Collection[str]) -> tuple[Side, ...]:
    """A side for each variant, of the groups in which no run of any was disturbed or failed."""
    quiet = {(run.block, run.variant): run for run in recorded.experiment.runs if run.state is RunState.DONE}
    blocks = sorted({block for block, _ in quiet if all((block, name) in quiet for name in variants)})
    return tuple(Side(name, tuple(read_entry(recorded, quiet[block, name]) for block in blocks)) for name in variants)


def _settled(sides: Mapping[str, Side]) -> dict[str, list[FairSteps]]:
    """The steps of all variants after the longest warm-up of any."""
    fair = {name: [fair_steps(run) for run in side.runs] for name, side in sides.items()}
    some = {name: runs for name, runs in fair.items() if runs and all(map(len, runs))}
    warm_up = common_warm_up(list(some.values())) if some else 0
    return {name: [run.after(warm_up) for run in runs] for name, runs in some.items()}


def read_entry(recorded: Recorded, entry: RunEntry) -> Run:
    """Read a finished run of an experiment."""
    experiment = recorded.experiment
    with open_session(recorded.folder / entry.folder) as session:
        return replace(
            read_run(session, entry.folder),
            turn=(str(recorded.folder.resolve()), entry.block),
            lockstep=bool(experiment.lockstep),
            skip=experiment.skip,
            spread=experiment.spread,
        )
