"""How long a training will still take: its steps, and the pauses between and inside its epochs, with an interval.

The steps to come are expected to take what the steps so far took, the newer ones counting more. Pauses between epochs
and regular ones inside are expected to go on. The spread of each part is measured on the run itself; as a few figures
tell a spread badly, it is pooled with the one that is usual, as in a scaled inverse chi-squared prior (Gelman et al.,
Bayesian Data Analysis, 3rd edition, section 2.6). The usual spreads are those of the runs in benchmarks/remaining.py.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from math import hypot, sqrt
from statistics import median

from profilednn_tui.protocol.events import StepsEvent, TotalEvent
from profilednn_tui.session.model.pauses import Block, PauseSeries
from profilednn_tui.session.model.total import Outstanding, TotalSeries, UnknownTotalError
from profilednn_tui.session.view import Remaining

FEWEST_STEPS = 10
GROUPS = 6
"""Parts of the run so far, whose paces are compared."""
USUAL_PACE_SPREAD = 0.05
"""Relative standard deviation of the pace of such parts, beyond noise."""
TREND_SHARE = 0.25
"""A trend of the pace may go on for this share of the time in which it was seen."""
USUAL_PAUSE_SPREAD = 0.15
"""The same for the pauses after epochs."""
PRIOR_DEGREES = 4
"""What the usual spread counts for, as if it had been measured with so many degrees of freedom."""
OUTSTANDING_RATIO = 1.5
"""A pause that is longer than others by this ratio has something more in it, such as a checkpoint."""
FIRST_SHARE = 0.1
"""Of the steps, while there has been one epoch only: the beginning is different."""
REGULAR = 0.1
NORMAL_95 = 1.959964
NS_PER_S = 1e9


@dataclass(frozen=True, slots=True)
class Part:
    """A part of the time to come, in nanoseconds, and half the width of its 95 % interval."""

    ns: float
    half_ns: float


NOTHING = Part(0.0, 0.0)


class RemainingSeries:
    """Everything about one process that its remaining time follows from."""

    def __init__(self) -> None:
        self._pauses = PauseSeries()
        self._total = TotalSeries()

    def add_steps(self, event: StepsEvent) -> None:
        """Add finished steps."""
        self._pauses.add(event)

    def add_total(self, event: TotalEvent) -> None:
        """Add what the agent has told of the loops around a step; raises a `ValueError` as `TotalSeries.add` does."""
        first_step = self._total.add(event)
        if first_step is not None:
            self._pauses.begin_epoch(first_step)

    @property
    def epoch_starts(self) -> tuple[int, ...]:
        """The steps that are known to begin an epoch."""
        return tuple(self._pauses.borders)

    def view(self, now_unix_ns: int, budget_percent: float, epochs: int | None) -> Remaining:
        """The remaining time at a moment; `budget_percent` limits the agent's work, `epochs` is what the user named."""
        pauses = self._pauses
        try:
            left = self._total.outstanding(pauses.count, epochs)
        except UnknownTotalError as error:
            return Remaining(source=error.source, reason=str(error))
        known = Remaining(epochs=left.epochs, steps=left.all_steps, source=left.source)
        if sum(block.steps for block in pauses.blocks) < FEWEST_STEPS:
            return replace(known, reason="there are too few steps so far")
        total = _ahead(pauses, left, max(0, now_unix_ns - pauses.end_unix_ns), budget_percent)
        return replace(
            known,
            seconds=total.ns / NS_PER_S,
            low_s=max(0.0, total.ns - total.half_ns) / NS_PER_S,
            high_s=(total.ns + total.half_ns) / NS_PER_S,
        )


def _ahead(pauses: PauseSeries, left: Outstanding, since_ns: int, budget_percent: float) -> Part:
    """All of the time to come, `since_ns` after the newest step."""
    pace = pace_of(_usable(pauses.blocks, left), left.steps)
    more_or_less = _uncertain_steps(left, len(pauses.borders))
    steps = Part(pace.ns * left.steps, hypot(pace.half_ns * left.steps, pace.ns * more_or_less))
    borders = border_pauses(list(pauses.borders.values()), left.borders)
    recurring = recurring_pauses(sorted(pauses.inside.items()), pauses.count, left.steps)
    parts = [steps, borders, recurring]
    ahead_ns = sum(part.ns for part in parts)
    parts.append(_own_work(pauses, ahead_ns, budget_percent))
    # What has passed since the newest step belongs to the next one, and to the pause before it.
    next_ns = pace.ns + (borders.ns / left.borders if left.is_at_border and left.borders else 0.0)
    ns = max(0.0, sum(part.ns for part in parts) - min(since_ns, next_ns))
    return Part(ns, hypot(*(part.half_ns for part in parts)))


def pace_of(blocks: Sequence[Block], steps: float) -> Part:
    """The mean duration of as many steps as are to come, from those so far."""
    groups = _groups(blocks)
    count = len(groups)
    noise = _noise([block.pace_ns for block in blocks]) * count / len(blocks)
    weights = range(1, count + 1)  # newer ones count more
    mean_ns = sum(weight * group for weight, group in zip(weights, groups, strict=True)) / sum(weights)
    past = sum(weights) ** 2 / sum(weight * weight for weight in weights)
    ahead = count * steps / sum(block.steps for block in blocks)
    degrees = PRIOR_DEGREES + count - 1
    beyond = max(0.0, _deviation(groups, sum(groups) / count) ** 2 - noise)
    # What lasts disturbs all that comes alike, while noise averages out.
    lasting = (PRIOR_DEGREES * (USUAL_PACE_SPREAD * mean_ns) ** 2 + (count - 1) * beyond) / degrees
    random_ns = student_95(degrees) * sqrt(lasting * (1 + 1 / past) + noise * (1 / past + 1 / max(ahead, 0.5)))
    slope_ns, error_ns = _slope(groups, noise)
    trend_ns = max(0.0, abs(slope_ns) - error_ns) * TREND_SHARE * min(count, ahead)
    return Part(mean_ns, hypot(random_ns, trend_ns))


def border_pauses(costs_ns: Sequence[float], count: int) -> Part:
    """The next `count` pauses after epochs, from those so far, in their order."""
    if not costs_ns or not count:
        return NOTHING
    most_ns = OUTSTANDING_RATIO * median(costs_ns)
    plain = [cost for cost in costs_ns if cost <= most_ns]
    places = [place for place, cost in enumerate(costs_ns, 1) if cost > most_ns]
    if 2 * len(places) >= len(costs_ns) and not _is_regular(places):
        plain, places = list(costs_ns), []
    mean_ns = sum(plain) / len(plain)
    spread, degrees = _pooled(plain, mean_ns, USUAL_PAUSE_SPREAD) if mean_ns else (0.0, PRIOR_DEGREES)
    half_ns = count * mean_ns * student_95(degrees) * spread * sqrt(1 / len(plain) + 1 / count)
    more = recurring_pauses([(place, costs_ns[place - 1] - mean_ns) for place in places], len(costs_ns), count)
    return Part(count * mean_ns + more.ns, hypot(half_ns, more.half_ns))


def recurring_pauses(seen: Sequence[tuple[int, float]], count: int, ahead: float) -> Part:
    """Pauses that come again and again: `seen` has where among `count` things each was, and what it cost.

    If the distances between them are alike, these are taken to repeat, which may be wrong by one pause as long as there
    is one distance only; else they come at random. How often one comes that was seen once is as good as unknown.
    """
    if not seen or ahead <= 0:
        return NOTHING
    places, costs = zip(*seen, strict=True)
    mean_ns = sum(costs) / len(costs)
    if len(seen) == 1:
        expected = doubt = ahead / max(1, places[0], count - places[0] + 1)
    elif _is_regular(places):
        expected = max(0.0, count + ahead - places[-1]) // _period(places)
        doubt = float(len(seen) == 2)
    else:
        expected = ahead / _period(places)
        doubt = NORMAL_95 * sqrt(expected)
    differ_ns = NORMAL_95 * _deviation(costs, mean_ns) * sqrt(expected + expected**2 / len(costs))
    return Part(expected * mean_ns, hypot(differ_ns, doubt * mean_ns))


def _period(places: Sequence[int]) -> float:
    """The mean distance."""
    return (places[-1] - places[0]) / (len(places) - 1)


def _is_regular(places: Sequence[int]) -> bool:
    """Whether there are two or more, at distances that differ by a tenth at most."""
    if len(places) < 2:
        return False
    period = _period(places)
    return all(abs(later - place - period) <= REGULAR * period for place, later in pairwise(places))


def student_95(degrees: int) -> float:
    """The 97.5 % quantile of Student's t (Abramowitz and Stegun 26.7.5), good to 0.3 % from four degrees on."""
    z = NORMAL_95
    first = (z**3 + z) / 4
    second = (5 * z**5 + 16 * z**3 + 3 * z) / 96
    third = (3 * z**7 + 19 * z**5 + 17 * z**3 - 15 * z) / 384
    return z + first / degrees + second / degrees**2 + third / degrees**3


def _usable(blocks: Sequence[Block], left: Outstanding) -> Sequence[Block]:
    """The blocks without the first epoch, which is not like the others, if there is another one."""
    if left.second_epoch is not None:
        later = [block for block in blocks if block.last_step >= left.second_epoch]
        if sum(block.steps for block in later) >= FEWEST_STEPS:
            return later
    return blocks[int(FIRST_SHARE * len(blocks)) :]


def _groups(blocks: Sequence[Block]) -> list[float]:
    """The paces of up to `GROUPS` parts of the run, oldest first."""
    count = min(GROUPS, len(blocks))
    parts = [blocks[len(blocks) * place // count : len(blocks) * (place + 1) // count] for place in range(count)]
    return [sum(block.sum_ns for block in part) / sum(block.steps for block in part) for part in parts]


def _noise(values: Sequence[float]) -> float:
    """The variance of what changes from one value to the next (von Neumann, 1941): what lasts longer adds nothing."""
    squares = sum((later - value) ** 2 for value, later in pairwise(values))
    return squares / (2 * (len(values) - 1)) if len(values) > 1 else 0.0


def _slope(values: Sequence[float], variance: float) -> tuple[float, float]:
    """How much the values grow from one to the next, by least squares, and its standard error if they have noise."""
    middle, mean = (len(values) - 1) / 2, sum(values) / len(values)
    squares = sum((place - middle) ** 2 for place in range(len(values)))
    if not squares:
        return 0.0, 0.0
    slope = sum((place - middle) * (value - mean) for place, value in enumerate(values)) / squares
    return slope, sqrt(variance / squares)


def _uncertain_steps(left: Outstanding, seen: int) -> float:
    """By how many steps the number of those to come may be off, at 95 %, after so many whole epochs."""
    return NORMAL_95 * left.steps_deviation * sqrt(left.borders + left.borders**2 / max(1, seen))


def _own_work(pauses: PauseSeries, ahead_ns: float, budget_percent: float) -> Part:
    """The agent's operator windows: between nothing and what the budget allows until the end."""
    past_ns = pauses.end_unix_ns - pauses.begin_unix_ns
    most_ns = max(0.0, budget_percent / 100 * (past_ns + ahead_ns) - pauses.own_ns)
    most_ns = min(most_ns, budget_percent / 100 * ahead_ns)
    return Part(most_ns / 2, most_ns / 2)


def _pooled(values: Sequence[float], mean: float, usual: float) -> tuple[float, int]:
    """The relative spread of some values around a mean, pooled with the usual one, and its degrees of freedom."""
    degrees = PRIOR_DEGREES + len(values) - 1
    squares = PRIOR_DEGREES * usual**2 + sum((value / mean - 1) ** 2 for value in values)
    return sqrt(squares / degrees), degrees


def _deviation(values: Sequence[float], mean: float) -> float:
    return sqrt(sum((value - mean) ** 2 for value in values) / max(1, len(values) - 1))
