"""Step events -> the newest steps as series, and statistics of the fair ones, those without flags."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence
from itertools import islice
from statistics import fmean, median, quantiles
from typing import NamedTuple

from profilednn_tui.protocol.events import InputSizesEvent, StepsEvent, StepSourceEvent
from profilednn_tui.protocol.vocabulary import COMMUNICATION, PHASES
from profilednn_tui.session.model.step_times import StepTimeSeries
from profilednn_tui.session.view import Phase, Steps

KEPT_STEPS = 20_000
SAMPLED_STEPS = 1_000
"""Median and p95 cover the newest steps only: the pace of training changes over hours."""
RATE_STEPS = 100

ONLY_IF_SEEN = frozenset({"inference", COMMUNICATION})
"""Phases that most training runs lack: they are left out if no step has any."""

_COLUMNS = 1 + len(PHASES)
_ROW = 4 + len(PHASES)


class Newest(NamedTuple):
    """Columns with one entry for each step; times in nanoseconds."""

    numbers: tuple[int, ...]
    durations_ns: tuple[int, ...]
    phases_ns: tuple[tuple[int, ...], ...]
    flags: tuple[int, ...]
    end_unix_ns: tuple[int, ...]


class StepSeries:
    """All steps of one process; bounded."""

    def __init__(self) -> None:
        self.count = 0
        self._source: StepSourceEvent | None = None
        self._numbers: deque[int] = deque(maxlen=KEPT_STEPS)
        self._durations: deque[int] = deque(maxlen=KEPT_STEPS)
        self._phases: deque[tuple[int, ...]] = deque(maxlen=KEPT_STEPS)
        self._losses: deque[float | None] = deque(maxlen=KEPT_STEPS)
        self._flags: deque[int] = deque(maxlen=KEPT_STEPS)
        self._ends: deque[int] = deque(maxlen=KEPT_STEPS)
        self._input_elements: dict[int, int] = {}
        """By the number of the step."""
        self._fair: deque[tuple[int, ...]] = deque(maxlen=SAMPLED_STEPS)
        """Durations, then phases, of the newest steps without flags."""
        self._flagged: deque[tuple[int, ...]] = deque(maxlen=SAMPLED_STEPS)
        """Flagged steps except the first: better than nothing if every step was profiled."""
        self._times = StepTimeSeries()
        self._seen: set[str] = set()
        """Those of `ONLY_IF_SEEN` that occurred."""
        self._steps: Steps | None = Steps()
        self._phase_view: tuple[Phase, ...] = ()

    def set_source(self, event: StepSourceEvent) -> None:
        self._source = event
        self._steps = None

    def set_input_sizes(self, event: InputSizesEvent) -> None:
        self._input_elements.update(enumerate(event.elements, start=event.first))
        while len(self._input_elements) > KEPT_STEPS:
            del self._input_elements[next(iter(self._input_elements))]
        self._steps = None

    def add(self, event: StepsEvent) -> int:
        """Add finished steps; returns the time at which the newest of them ended."""
        end_unix_ns = 0
        for number, row in enumerate(event.rows, start=event.first):
            if len(row) < _ROW:
                raise ValueError(f"a step row with {len(row)} fields")
            end_unix_ns, flags = int(row[0]), int(row[_ROW - 1])
            loss = None if row[_ROW - 2] is None else float(row[_ROW - 2])
            figures = tuple(map(int, row[1 : 1 + _COLUMNS]))
            phases = figures[1:]
            self._fair_or_not(flags, figures)
            self._seen |= {name for name in ONLY_IF_SEEN - self._seen if figures[1 + PHASES.index(name)]}
            self._numbers.append(number)
            self._durations.append(figures[0])
            self._phases.append(phases)
            self._losses.append(loss)
            self._flags.append(flags)
            self._ends.append(end_unix_ns)
            self._times.add(number, end_unix_ns, figures[0], phases, flags, loss)
            self.count = max(self.count, number)
        self._steps = None
        return end_unix_ns

    def newest_plain(self, first: int) -> Iterator[tuple[int, int]]:
        """Number and duration of the steps without flags, the newest first, back to step `first`."""
        for number, duration_ns, flags in zip(
            reversed(self._numbers), reversed(self._durations), reversed(self._flags), strict=True
        ):
            if number < first:
                return
            if not flags:
                yield number, duration_ns

    def newest(self, count: int, most: int) -> Newest:
        """The newest steps whose numbers are consecutive, and whose figures are positive and less than `most`."""
        numbers, held = self._numbers, 0
        for number, duration_ns, end_unix_ns in zip(
            reversed(numbers), reversed(self._durations), reversed(self._ends), strict=True
        ):
            follows = number == numbers[-1] - held
            if held == count or not (follows and 0 < number < most and 0 < duration_ns < most and end_unix_ns < most):
                break
            held += 1
        first = len(numbers) - held
        return Newest(
            tuple(islice(numbers, first, None)),
            tuple(islice(self._durations, first, None)),
            tuple(islice(self._phases, first, None)),
            tuple(islice(self._flags, first, None)),
            tuple(islice(self._ends, first, None)),
        )

    def view(self) -> Steps:
        if self._steps is None:
            self._rebuild()
        assert self._steps is not None
        return self._steps

    def phases(self) -> tuple[Phase, ...]:
        self.view()
        return self._phase_view

    def _fair_or_not(self, flags: int, figures: tuple[int, ...]) -> None:
        if not flags:
            self._fair.append(figures)
        elif not flags & StepsEvent.FIRST:
            self._flagged.append(figures)

    def _rebuild(self) -> None:
        sample = self._fair or self._flagged
        durations, *phases = zip(*sample, strict=True) if sample else ((),)
        left_out = ONLY_IF_SEEN - self._seen
        self._phase_view = tuple(phase for phase in _phases(phases) if phase.name not in left_out)
        self._steps = Steps(
            count=self.count,
            source=self._source.source if self._source else None,
            source_reason=self._source.reason if self._source else "",
            numbers=tuple(self._numbers),
            durations_ns=tuple(self._durations),
            phases_ns=tuple(self._phases),
            losses=tuple(self._losses),
            flags=tuple(self._flags),
            end_unix_ns=tuple(self._ends),
            input_elements=self._sizes(),
            median_ns=float(median(durations)) if durations else None,
            p95_ns=_p95(durations) if durations else None,
            steps_per_s=self._rate(),
            times=self._times.view(),
        )

    def _sizes(self) -> tuple[int, ...]:
        known = self._input_elements
        return tuple(known.get(number, 0) for number in self._numbers) if known else ()

    def _rate(self) -> float | None:
        between = min(len(self._ends) - 1, RATE_STEPS)
        if between < 1:
            return None
        elapsed_ns = self._ends[-1] - self._ends[-1 - between]
        return between * 1e9 / elapsed_ns if elapsed_ns > 0 else None


def _p95(durations: Sequence[int]) -> float:
    return float(quantiles(durations, n=20, method="inclusive")[-1]) if len(durations) > 1 else float(durations[0])


def _phases(samples: Sequence[Sequence[int]]) -> tuple[Phase, ...]:
    means = [fmean(sample) for sample in samples]
    total = sum(means)
    return tuple(
        Phase(name, float(median(sample)), mean, mean / total if total > 0 else 0.0)
        for name, sample, mean in zip(PHASES, samples, means, strict=False)
    )
