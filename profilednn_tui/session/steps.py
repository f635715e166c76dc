"""Step events -> the newest steps as series, and the statistics of the fair ones."""

from __future__ import annotations

from collections import deque

import numpy as np
import numpy.typing as npt

from profilednn_tui import protocol
from profilednn_tui.protocol import PHASES
from profilednn_tui.session.records import Phase, Steps

KEPT_STEPS = 20_000
SAMPLED_STEPS = 1_000
"""Median and p95 are those of the newest steps: training changes its pace over hours."""
RATE_STEPS = 100

_COLUMNS = 1 + len(PHASES)
_ROW = 4 + len(PHASES)


class SampleRing:
    """The newest rows of figures: a step's duration, then its phases."""

    def __init__(self) -> None:
        self._rows: npt.NDArray[np.float64] = np.empty((SAMPLED_STEPS, _COLUMNS))
        self._count = 0

    def add(self, row: list[int]) -> None:
        self._rows[self._count % SAMPLED_STEPS] = row
        self._count += 1

    @property
    def rows(self) -> npt.NDArray[np.float64]:
        return self._rows[: min(self._count, SAMPLED_STEPS)]


class StepSeries:
    """All steps of one process; bounded."""

    def __init__(self) -> None:
        self.count = 0
        self._source: protocol.StepSource | None = None
        self._numbers: deque[int] = deque(maxlen=KEPT_STEPS)
        self._durations: deque[int] = deque(maxlen=KEPT_STEPS)
        self._phases: deque[tuple[int, ...]] = deque(maxlen=KEPT_STEPS)
        self._losses: deque[float | None] = deque(maxlen=KEPT_STEPS)
        self._flags: deque[int] = deque(maxlen=KEPT_STEPS)
        self._ends: deque[int] = deque(maxlen=KEPT_STEPS)
        self._fair = SampleRing()
        self._flagged = SampleRing()
        """Flagged steps but the first: better than nothing when every step was profiled."""
        self._steps: Steps | None = Steps()
        self._phase_view: tuple[Phase, ...] = ()

    def set_source(self, event: protocol.StepSource) -> None:
        self._source = event
        self._steps = None

    def add(self, event: protocol.Steps) -> int:
        """Take the finished steps in; the time at which the newest of them ended."""
        end_unix_ns = 0
        for number, row in enumerate(event.rows, start=event.first):
            if len(row) < _ROW:
                raise ValueError(f"a step row of {len(row)} fields")
            end_unix_ns, flags = int(row[0]), int(row[_ROW - 1])
            loss = row[_ROW - 2]
            self._fair_or_not(flags, row[1 : 1 + _COLUMNS])
            self._numbers.append(number)
            self._durations.append(row[1])
            self._phases.append(tuple(row[2 : 1 + _COLUMNS]))
            self._losses.append(None if loss is None else float(loss))
            self._flags.append(flags)
            self._ends.append(end_unix_ns)
            self.count = max(self.count, number)
        self._steps = None
        return end_unix_ns

    def view(self) -> Steps:
        if self._steps is None:
            self._rebuild()
        assert self._steps is not None
        return self._steps

    def phases(self) -> tuple[Phase, ...]:
        self.view()
        return self._phase_view

    def _fair_or_not(self, flags: int, figures: list[int]) -> None:
        if not flags:
            self._fair.add(figures)
        elif not flags & protocol.Steps.FIRST:
            self._flagged.add(figures)

    def _rebuild(self) -> None:
        sample = self._fair.rows if len(self._fair.rows) else self._flagged.rows
        self._phase_view = _phases(sample[:, 1:])
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
            median_ns=float(np.median(sample[:, 0])) if len(sample) else None,
            p95_ns=float(np.percentile(sample[:, 0], 95)) if len(sample) else None,
            steps_per_s=self._rate(),
        )

    def _rate(self) -> float | None:
        between = min(len(self._ends) - 1, RATE_STEPS)
        if between < 1:
            return None
        elapsed_ns = self._ends[-1] - self._ends[-1 - between]
        return between * 1e9 / elapsed_ns if elapsed_ns > 0 else None


def _phases(sample: npt.NDArray[np.float64]) -> tuple[Phase, ...]:
    if not len(sample):
        return ()
    means = sample.mean(axis=0)
    medians = np.median(sample, axis=0)
    total = float(means.sum())
    return tuple(
        Phase(name, float(median), float(mean), float(mean) / total if total > 0 else 0.0)
        for name, median, mean in zip(PHASES, medians, means, strict=True)
    )
