"""How long a training will still take: its steps, and the pauses between and inside its epochs, with an interval.

The steps to come are expected to take what the steps so far took, the newer ones counting more. Pauses between epochs
and regular ones inside are expected to go on. The spread of each part is measured on the run itself; as a few figures
tell a spread badly, it is pooled with the one that is usual, as in a scaled inverse chi-squared prior (Gelman et al.,
Bayesian Data Analysis, 3rd edition, section 2.6). The usual spreads are those of the runs in benchmarks/remaining.py.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import hypot, sqrt
from statistics import median

from profilednn_tui.session.model.pauses import Block, Pause, PauseSeries
from profilednn_tui.session.model.total import Outstanding, TotalSeries, UnknownTotalError
from profilednn_tui.session.view import Remaining

FEWEST_STEPS = 10
GROUPS = 6
"""Parts of the run so far, whose paces are compared."""
USUAL_PACE_SPREAD = 0.04
"""Relative standard deviation of the pace of such parts."""
USUAL_PAUSE_SPREAD = 0.15
"""The same for the pauses after epochs."""
PRIOR_DEGREES = 4
"""What the usual spread counts for, as if it had been measured with so many degrees of freedom."""
OUTSTANDING_RATIO = 1.5
"""A pause that is longer than others by this ratio has something more in it, such as a checkpoint."""
FIRST_SHARE = 0.1
"""Of the steps, while there has been one epoch only: the beginning is different."""
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
        self.pauses = PauseSeries()
        self.total = TotalSeries()

    def view(self, now_unix_ns: int, budget_percent: float, epochs: int | None) -> Remaining:
        """The remaining time at a moment; `budget_percent` limits the agent's work, `epochs` is what the user named."""
        pauses = self.pauses
        try:
            left = self.total.outstanding(pauses.count, epochs)
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
    steps = Part(pace.ns * left.steps, hypot(pace.half_ns * left.steps, _uncertain_steps(left) * pace.ns))
    at_borders, inside = _divide(pauses.pauses, left.first_steps)
    borders = border_pauses(at_borders, left.borders)
    recurring = recurring_pauses([(pause.step, pause.excess_ns) for pause in inside], pauses.count, left.steps)
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
    weights = range(1, count + 1)  # newer ones count more
    mean_ns = sum(weight * group for weight, group in zip(weights, groups, strict=True)) / sum(weights)
    spread, degrees = _pooled(groups, mean_ns, USUAL_PACE_SPREAD)
    past = sum(weights) ** 2 / sum(weight * weight for weight in weights)
    ahead = count * steps / sum(block.steps for block in blocks)
    # What disturbs a machine lasts: all that comes is taken for one more such part, not for many.
    random_ns = mean_ns * student_95(degrees) * spread * sqrt(1 + 1 / past)
    trend_ns = _slope(groups) * min(count, (count + ahead) / 2)
    return Part(mean_ns, hypot(random_ns, trend_ns))


def border_pauses(costs_ns: Sequence[float], count: int) -> Part:
    """The next `count` pauses after epochs, from those so far, in their order."""
    if not costs_ns or not count:
        return NOTHING
    usual_ns = median(costs_ns)
    rare = [(place, cost - usual_ns) for place, cost in enumerate(costs_ns, 1) if cost > OUTSTANDING_RATIO * usual_ns]
    plain = [cost for cost in costs_ns if cost <= OUTSTANDING_RATIO * usual_ns]
    if 2 * len(rare) >= len(costs_ns):
        plain, rare = list(costs_ns), []
    mean_ns = sum(plain) / len(plain)
    spread, degrees = _pooled(plain, mean_ns, USUAL_PAUSE_SPREAD) if mean_ns else (0.0, PRIOR_DEGREES)
    half_ns = count * mean_ns * student_95(degrees) * spread * sqrt(1 / len(plain) + 1 / count)
    more = recurring_pauses(rare, len(costs_ns), count)
    return Part(count * mean_ns + more.ns, hypot(half_ns, more.half_ns))


def recurring_pauses(seen: Sequence[tuple[int, float]], count: int, ahead: float) -> Part:
    """Pauses that come again and again: `seen` has where among `count` things each was, and what it cost.

    Once two distances between them are alike, or at the first one, these are taken to repeat; otherwise they come at
    random. How often a pause comes that has been seen once is as good as unknown.
    """
    if not seen or ahead <= 0:
        return NOTHING
    places, costs = zip(*seen, strict=True)
    mean_ns = sum(costs) / len(costs)
    distances = [later - place for place, later in zip((0, *places), places, strict=False)]
    between = distances[1:]
    period = sum(between) / len(between) if between else max(places[0], count - places[0] + 1)
    regular = len(seen) > 1 and all(abs(distance - period) <= max(1.0, 0.1 * period) for distance in between)
    expected = (count + ahead - places[-1]) // period if regular else ahead / period
    differ = NORMAL_95 * _deviation(costs, mean_ns) * sqrt(expected + expected**2 / len(costs))
    doubt = 0.0 if regular else (expected if len(seen) == 1 else NORMAL_95 * sqrt(expected)) * mean_ns
    return Part(expected * mean_ns, hypot(differ, doubt))


def student_95(degrees: int) -> float:
    """The 97.5 % quantile of Student's t (Abramowitz and Stegun 26.7.5), good to 0.3 % from four degrees on."""
    z = NORMAL_95
    first = (z**3 + z) / 4
    second = (5 * z**5 + 16 * z**3 + 3 * z) / 96
    third = (3 * z**7 + 19 * z**5 + 17 * z**3 - 15 * z) / 384
    return z + first / degrees + second / degrees**2 + third / degrees**3


def _usable(blocks: Sequence[Block], left: Outstanding) -> Sequence[Block]:
    """The blocks without the first epoch, which is not like the others, if there is another one."""
    if len(left.first_steps) > 1:
        later = [block for block in blocks if block.last_step >= left.first_steps[0]]
        if sum(block.steps for block in later) >= FEWEST_STEPS:
            return later
    return blocks[int(FIRST_SHARE * len(blocks)) :]


def _groups(blocks: Sequence[Block]) -> list[float]:
    """The paces of up to `GROUPS` parts of the run, oldest first."""
    count = min(GROUPS, len(blocks))
    parts = [blocks[len(blocks) * place // count : len(blocks) * (place + 1) // count] for place in range(count)]
    return [sum(block.sum_ns for block in part) / sum(block.steps for block in part) for part in parts]


def _slope(values: Sequence[float]) -> float:
    """How much the values grow from one to the next, by least squares."""
    middle, mean = (len(values) - 1) / 2, sum(values) / len(values)
    squares = sum((place - middle) ** 2 for place in range(len(values)))
    return sum((place - middle) * (value - mean) for place, value in enumerate(values)) / squares if squares else 0.0


def _divide(pauses: Sequence[Pause], first_steps: Sequence[int]) -> tuple[list[float], list[Pause]]:
    """What each border of epochs cost, and the other pauses."""
    at_border = dict.fromkeys(first_steps, 0.0)
    inside = []
    for pause in pauses:
        near = next((step for step in (pause.step, pause.step - 1, pause.step + 1) if step in at_border), None)
        if near is not None:
            at_border[near] += pause.excess_ns
        elif not pause.watched:
            inside.append(pause)
    return list(at_border.values()), inside


def _uncertain_steps(left: Outstanding) -> float:
    """By how many steps the number of those to come may be off, at 95 %."""
    seen = max(1, len(left.first_steps))
    return NORMAL_95 * left.steps_deviation * sqrt(left.borders + left.borders**2 / seen)


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
