"""Turns sessions and grids into the measured points of a plan."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from profilednn_tui.compare.comparable import differences
from profilednn_tui.compare.runs import Run, Side, read_run
from profilednn_tui.errors import ProfilerError
from profilednn_tui.experiment.plan import Recorded, RunState, find_experiment, load_experiment
from profilednn_tui.experiment.sides import VARIANT_MARK, expanded, find_variant, read_entry
from profilednn_tui.plain import plain
from profilednn_tui.plan.noise import MeasuredNoise, measured_noise
from profilednn_tui.plan.planner import Place
from profilednn_tui.plan.points import Observation, Point, Setting, points_of
from profilednn_tui.ranks.efficiency import run_times
from profilednn_tui.ranks.grid import BATCH, other_ranks
from profilednn_tui.session.open_session import open_session
from profilednn_tui.session.view import SessionView

MUST_AGREE = ("script", "machine")
"""Of the checks of a comparison."""


@dataclass(frozen=True, slots=True)
class Measured:
    """What the sessions of a plan say."""

    name: str
    points: tuple[Point, ...]
    place: Place
    notes: tuple[str, ...]
    """What was left out, and why."""
    noise: MeasuredNoise | None
    """Of the session with the most updates; None if none recorded it."""


@dataclass(frozen=True, slots=True)
class _Sample:
    """One run, and the cell of a grid that it belongs to."""

    label: str
    run: Run | None
    values: Mapping[str, str] = field(default_factory=dict)
    unfit: str = ""
    """Why it does not count."""


def read_points(names: Sequence[str], batch: int | None = None) -> Measured:
    """The points of sessions, snapshots, ``EXPERIMENT:CELL`` and whole grids.

    `batch` is the local batch where a session does not tell it. Raises a `ProfilerError` if there are no points, or if
    they are of different trainings.
    """
    samples = [sample for name in names for one in expanded(name) for sample in _samples(one)]
    if not samples:
        raise ProfilerError(f"No session matches {', '.join(names)}. `profilednn-tui list` shows those that there are.")
    kept, notes = [], []
    for sample in samples:
        times = run_times(sample.run.view) if sample.run is not None else None
        unfit = sample.unfit or (other_ranks(times, sample.values) if times is not None else "too few plain steps")
        if unfit or sample.run is None or times is None:
            notes.append(f"{sample.label}: {unfit}")
        else:
            kept.append((sample, sample.run, times))
    if not kept:
        raise ProfilerError(f"Nothing can be planned: {'; '.join(notes)}. Record other sessions, or resume the grid.")
    _check_same([(sample.label, run) for sample, run, _ in kept])
    observations = [
        Observation(
            Setting(times.ranks, times.threads, _batch(sample, run.view, batch)),
            times.step_ns,
            run.view.memory.peak_rss_bytes,
        )
        for sample, run, times in kept
    ]
    name = plain(Path(names[0]).name) if len(names) == 1 else f"{len(names)} sessions"
    place = _place([run.view for _, run, _ in kept], observations)
    return Measured(name, points_of(observations), place, tuple(dict.fromkeys(notes)), _noise(samples, batch))


def _samples(name: str) -> Iterator[_Sample]:
    found = find_variant(name)
    if found is not None:
        yield from _of_cell(*found)
        return
    folder = find_experiment(name)
    if folder is None:
        with open_session(name) as session:
            yield _sample(plain(Path(name).name), read_run(session))
        return
    recorded = load_experiment(folder)
    if not recorded.experiment.is_grid:
        names = ", ".join(f"{name}{VARIANT_MARK}{one.name}" for one in recorded.experiment.variants)
        raise ProfilerError(f"{name} is no grid, so its variants are different trainings. Name one of them: {names}.")
    for variant in recorded.experiment.variants:
        yield from _of_cell(recorded, variant.name)


def _of_cell(recorded: Recorded, variant: str) -> Iterator[_Sample]:
    values = next(one.values for one in recorded.experiment.variants if one.name == variant)
    entries = recorded.experiment.runs_of(variant)
    for entry in entries:
        if entry.state is RunState.DONE:
            yield _sample(entry.folder, read_entry(recorded, entry), values)
        else:
            yield _Sample(entry.folder, None, values, f"{entry.state.value}: {entry.reason}")
    if not entries:
        yield _Sample(variant, None, values, "no finished run")


def _sample(label: str, run: Run, values: Mapping[str, str] | None = None) -> _Sample:
    return _Sample(label, run, values or {}, f"disturbed: {run.disturbance}" if run.disturbance else "")


def _check_same(runs: Sequence[tuple[str, Run]]) -> None:
    first_label, first = runs[0]
    for label, run in runs[1:]:
        found = differences(Side(first_label, (first,)), Side(label, (run,)))
        reasons = [found[name] for name in MUST_AGREE if name in found]
        if run.view.target.optimizations != first.view.target.optimizations:
            reasons.append("different optimizations")
        if reasons:
            raise ProfilerError(f"{first_label} and {label} are not of one training: {reasons[0]}. Plan them apart.")


def _batch(sample: _Sample, view: SessionView, given: int | None) -> int:
    """The samples of a rank per step; raises a `ProfilerError` if nothing tells them."""
    text = sample.values.get(BATCH, "")
    if text.isascii() and text.isdecimal() and 0 < len(text) < 10 and int(text):
        return int(text)
    found = _loader_batch(view) or given
    if found is None:
        raise ProfilerError(
            f"{sample.label} does not tell its local batch, as it used no DataLoader with a fixed one. "
            "Name it with --batch N."
        )
    return found


def _loader_batch(view: SessionView) -> int | None:
    """From the DataLoader that was used most; several batches per step are accumulated."""
    loader = max(view.loaders, key=lambda one: one.batches, default=None)
    if loader is None or not loader.batch_size or not loader.batches or not view.steps.count:
        return None
    return loader.batch_size * max(1, round(loader.batches / view.steps.count))


def _noise(samples: Sequence[_Sample], batch: int | None) -> MeasuredNoise | None:
    """Other load on the machine does not matter to it."""
    told = [(one, one.run.view) for one in samples if one.run is not None and one.run.view.gradient_noise]
    if not told:
        return None
    sample, view = max(told, key=lambda one: len(one[1].gradient_noise))
    ranks = max(1, len(view.ranks))
    return measured_noise(sample.label, view.gradient_noise, ranks * _batch(sample, view, batch))


def _place(views: Iterable[SessionView], observations: Iterable[Observation]) -> Place:
    """The machine; a rank that is pinned to its cores does not see them all."""
    machines = [view.machine for view in views]
    most = max(one.setting.cores for one in observations)
    allowed = max((machine.affinity or machine.cores or 0 for machine in machines), default=0)
    if allowed < most:
        allowed = max((machine.cores or 0 for machine in machines), default=0)
    quotas = [machine.quota for machine in machines if machine.quota is not None]
    cores = min([allowed, *(max(1, round(quota)) for quota in quotas)])
    memory = min((machine.memory_bytes for machine in machines if machine.memory_bytes), default=None)
    return Place(cores or None, memory)
