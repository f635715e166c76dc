"""Core samples -> the newest one with history, means over the session's time, and what disturbs the timings."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from profilednn_tui import units
from profilednn_tui.protocol.events import CoresEvent
from profilednn_tui.session.view import Core, Cores

HISTORY = 240
RECENT_SAMPLES = 3
"""Contention is judged on their mean, so that one short burst does not count."""
OTHERS_LIMIT_PERCENT = 50.0
OTHERS_LIMIT_SHARE = 0.15
"""Share of the cores that the target may use: on a single core, 15 % of other work already matters."""
IMPOSSIBLE = 1.05
"""A target's use above this many times what the cores have is an error of measurement: early versions divided the use
of an interval by the time of another one when the sampler was interrupted."""
THROTTLED_LIMIT_PERCENT = 5.0
STEAL_LIMIT_PERCENT = 5.0


@dataclass(frozen=True, slots=True)
class Disturbance:
    """What disturbs the target on the cores it may use, in one sample or in the mean of several."""

    others_percent: float
    steal_percent: float
    throttled_percent: float


class CoreSeries:
    """All core samples of the session; bounded."""

    def __init__(self) -> None:
        self._newest: CoresEvent | None = None
        self._affinity: frozenset[int] | None = None
        self._busy: deque[Sequence[float]] = deque(maxlen=HISTORY)
        self._target: deque[float] = deque(maxlen=HISTORY)
        self._others: deque[float] = deque(maxlen=HISTORY)
        self._times: deque[int] = deque(maxlen=HISTORY)
        """Of the samples of what the target and others used."""
        self._recent: deque[Disturbance] = deque(maxlen=RECENT_SAMPLES)
        self._sums: list[float] = []
        """Of core use times seconds, like the sums that follow."""
        self._target_sum = self._others_sum = 0.0
        self._disturbance_sum = Disturbance(0.0, 0.0, 0.0)
        self._seconds = self._target_seconds = 0.0

    def set_affinity(self, affinity: Iterable[int]) -> None:
        self._affinity = frozenset(affinity) or None

    def add(self, event: CoresEvent) -> None:
        if not len(event.busy) == len(event.target) == len(event.steal):
            raise ValueError("a core sample with columns of unequal length")
        seconds = max(event.elapsed_s, 0.0)
        self._busy.append(event.busy)
        sums = self._sums or [0.0] * len(event.busy)
        self._sums = [total + busy * seconds for total, busy in zip(sums, event.busy, strict=False)]
        self._seconds += seconds
        most_percent = 100.0 * len(event.busy)
        if event.target_percent <= IMPOSSIBLE * most_percent:
            self._add_target(replace(event, target_percent=min(event.target_percent, most_percent)), seconds)

    def _add_target(self, event: CoresEvent, seconds: float) -> None:
        """Add what the target and others used."""
        self._newest = event
        self._target.append(event.target_percent)
        self._others.append(event.others_percent)
        self._times.append(event.unix_ns)
        self._target_sum += event.target_percent * seconds
        self._others_sum += event.others_percent * seconds
        self._target_seconds += seconds
        disturbance = self._disturbance(event)
        self._recent.append(disturbance)
        self._disturbance_sum = _sum((self._disturbance_sum, _scaled(disturbance, seconds)))

    def view(self, ended: bool) -> Cores:
        """With `ended`, contention is judged on the whole session instead of the last seconds."""
        newest = self._newest
        if newest is None:
            return Cores()
        histories = zip(*self._busy, strict=False)
        cores = tuple(
            Core(index, target, max(0.0, busy - target), steal, self._allowed(index), history)
            for index, (busy, target, steal, history) in enumerate(
                zip(newest.busy, newest.target, newest.steal, histories, strict=False)
            )
        )
        disturbance = (
            _scaled(self._disturbance_sum, 1 / (self._target_seconds or 1))
            if ended
            else _scaled(_sum(self._recent), 1 / len(self._recent))
        )
        return Cores(
            cores=cores,
            target_percent=newest.target_percent,
            others_percent=newest.others_percent,
            host_percent=newest.host_percent,
            throttled_percent=newest.throttled_percent,
            target_history=tuple(self._target),
            others_history=tuple(self._others),
            history_unix_ns=tuple(self._times),
            mean_percent=tuple(total / (self._seconds or 1) for total in self._sums),
            mean_target_percent=self._target_sum / (self._target_seconds or 1),
            mean_others_percent=self._others_sum / (self._target_seconds or 1),
            mean_throttled_percent=self._disturbance_sum.throttled_percent / (self._target_seconds or 1),
            contention=contention(disturbance, sum(core.allowed for core in cores)),
        )

    def _allowed(self, index: int) -> bool:
        return self._affinity is None or index in self._affinity

    def _disturbance(self, event: CoresEvent) -> Disturbance:
        allowed = [index for index in range(len(event.busy)) if self._allowed(index)]
        beside_target = sum(event.busy[index] - event.target[index] for index in allowed)
        return Disturbance(
            others_percent=max(0.0, min(event.others_percent, beside_target)),
            steal_percent=sum(event.steal[index] for index in allowed) / max(1, len(allowed)),
            throttled_percent=event.throttled_percent,
        )


def contention(disturbance: Disturbance, allowed_cores: int) -> str | None:
    """One sentence about everything that makes the timings unreliable; None if nothing does."""
    others_limit = min(OTHERS_LIMIT_PERCENT, OTHERS_LIMIT_SHARE * 100 * max(1, allowed_cores))
    causes = [
        text.format(units.percent(value))
        for value, limit, text in (
            (disturbance.others_percent, others_limit, "others {} of one core"),
            (disturbance.throttled_percent, THROTTLED_LIMIT_PERCENT, "stopped by the CPU quota {} of the time"),
            (disturbance.steal_percent, STEAL_LIMIT_PERCENT, "{} of the cores' time stolen by other virtual machines"),
        )
        if value >= limit
    ]
    return f"{', '.join(causes)}: timings are not reliable" if causes else None


def _sum(values: Iterable[Disturbance]) -> Disturbance:
    columns = [(one.others_percent, one.steal_percent, one.throttled_percent) for one in values]
    return Disturbance(*(sum(column) for column in zip(*columns, strict=True)))


def _scaled(one: Disturbance, factor: float) -> Disturbance:
    return Disturbance(one.others_percent * factor, one.steal_percent * factor, one.throttled_percent * factor)
