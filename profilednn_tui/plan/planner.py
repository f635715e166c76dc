"""The plan: what each setting takes to train, and which one takes least."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from profilednn_tui import units
from profilednn_tui.errors import ProfilerError
from profilednn_tui.plan.convergence import Convergence
from profilednn_tui.plan.model import Model, Outlook
from profilednn_tui.plan.points import Point, Setting
from profilednn_tui.plan.reach import Kind
from profilednn_tui.ranks.efficiency import Estimate

MOST_SETTINGS = 512


@dataclass(frozen=True, slots=True)
class Place:
    """The machine that is planned for; None for what is unknown."""

    cores: int | None = None
    """Logical CPUs that the training may use."""
    memory_bytes: int | None = None


@dataclass(frozen=True, slots=True)
class Training:
    """How much there is to learn."""

    convergence: Convergence
    samples: int | None = None
    """Per epoch."""
    epochs: float | None = None
    """With the reference batch."""


@dataclass(frozen=True, slots=True)
class Choice:
    """One setting."""

    setting: Setting
    outlook: Outlook
    ratio: float | None
    """Its epochs over those of the reference batch; None if the convergence is not known for it."""
    fits: bool | None
    """Whether the memory of all ranks is there; None if that is unknown."""

    @property
    def kind(self) -> Kind:
        return self.outlook.reach.kind

    @property
    def throughput(self) -> Estimate | None:
        """Samples per second of all ranks."""
        step_ns = self.outlook.step_ns
        return None if step_ns is None else step_ns.dividing(1e9 * self.setting.global_batch)

    @property
    def effort_ns(self) -> Estimate | None:
        """Time to learn as much as from one sample in the reference batch."""
        if self.outlook.step_ns is None or self.ratio is None:
            return None
        return self.outlook.step_ns.times(self.ratio / self.setting.global_batch)


@dataclass(frozen=True, slots=True)
class Plan:
    """All settings, and the best ones."""

    name: str
    model: Model
    place: Place
    training: Training
    choices: tuple[Choice, ...]
    best: Choice | None
    """With the least time to train, of those that points carry and that fit into memory."""
    ties: tuple[Choice, ...]
    """Those whose intervals overlap with that of the best, the faster ones first."""
    hope: Choice | None
    """The assumed setting that may be faster than the best."""
    best_batches: tuple[Choice, ...]
    """The best for each number of ranks and threads."""
    notes: tuple[str, ...] = ()
    """What was left out of the points, and why."""

    def epochs(self, choice: Choice) -> float | None:
        """That a setting needs."""
        epochs = self.training.epochs
        return None if epochs is None or choice.ratio is None else epochs * choice.ratio

    def epoch_ns(self, choice: Choice) -> Estimate | None:
        """Time for all samples once."""
        samples, step_ns = self.training.samples, choice.outlook.step_ns
        return None if samples is None or step_ns is None else step_ns.times(samples / choice.setting.global_batch)

    def train_ns(self, choice: Choice) -> Estimate | None:
        """Time for all epochs."""
        epochs, epoch_ns = self.epochs(choice), self.epoch_ns(choice)
        return None if epochs is None or epoch_ns is None else epoch_ns.times(epochs)

    def relative(self, choice: Choice) -> float | None:
        """Time to train over that of the best."""
        if self.best is None or choice.effort_ns is None:
            return None
        return _effort(choice) / _effort(self.best)


def make_plan(
    name: str, model: Model, place: Place, training: Training, settings: Iterable[Setting], notes: Sequence[str] = ()
) -> Plan:
    """Look at all settings, and choose."""
    choices = tuple(_choice(setting, model, place, training.convergence) for setting in sorted(settings))
    possible = sorted((one for one in choices if one.effort_ns is not None and one.fits is not False), key=_effort)
    carried = [one for one in possible if one.kind is not Kind.ASSUMED]
    best = carried[0] if carried else None
    batches: dict[tuple[int, int], Choice] = {}
    for one in carried:
        batches.setdefault((one.setting.ranks, one.setting.threads), one)
    return Plan(
        name,
        model,
        place,
        training,
        choices,
        best,
        ties=tuple(one for one in carried[1:] if _tied(one, carried[0])),
        hope=possible[0] if best is not None and possible[0].kind is Kind.ASSUMED else None,
        best_batches=tuple(batches[pair] for pair in sorted(batches)),
        notes=tuple(notes),
    )


def settings_to_plan(
    points: Sequence[Point],
    cores: int | None,
    ranks: Sequence[int] = (),
    threads: Sequence[int] = (),
    batches: Sequence[int] = (),
) -> tuple[tuple[Setting, ...], tuple[str, ...]]:
    """All combinations of the given values that fit on the cores, and the names of those that do not.

    By default those of the points, and twice as many ranks and threads if points tell what more of them do. The points
    themselves belong to them unless values are given. Raises a `ProfilerError` if there are none.
    """
    measured = [point.setting for point in points]
    given = bool(ranks or threads or batches)
    combinations = itertools.product(
        ranks or _further({one.ranks for one in measured}),
        threads or _further({one.threads for one in measured}),
        batches or {one.batch for one in measured},
    )
    wanted = set(itertools.starmap(Setting, itertools.islice(combinations, MOST_SETTINGS + 1)))
    if len(wanted) > MOST_SETTINGS:
        raise ProfilerError(
            f"These are more than {MOST_SETTINGS} settings. Name fewer with --ranks, --threads and --batches."
        )
    found = {one for one in wanted if cores is None or one.cores <= cores}
    if not given:
        return tuple(sorted(found.union(measured))), ()
    if not found:
        raise ProfilerError(
            f"Every setting needs more than the {units.count(cores)} cores that there are. "
            "Name fewer --ranks or --threads."
        )
    return tuple(sorted(found)), tuple(one.name for one in sorted(wanted - found))


def _further(levels: set[int]) -> set[int]:
    return levels | {2 * max(levels)} if len(levels) > 1 else levels


def _choice(setting: Setting, model: Model, place: Place, convergence: Convergence) -> Choice:
    outlook = model.look(setting)
    fits = None
    if place.memory_bytes is not None and outlook.peak_bytes is not None:
        fits = setting.ranks * outlook.peak_bytes.value <= place.memory_bytes
    return Choice(setting, outlook, convergence.ratio(setting.global_batch), fits)


def _tied(one: Choice, best: Choice) -> bool:
    return one.effort_ns is not None and best.effort_ns is not None and one.effort_ns.overlaps(best.effort_ns)


def _effort(choice: Choice) -> float:
    return choice.effort_ns.value if choice.effort_ns is not None else math.inf
