"""The steps that count: those after the warm-up that the profiler did not affect."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from profilednn_tui.compare.runs import Run, Turn
from profilednn_tui.compare.warmup import Floats, warm_up_length
from profilednn_tui.protocol.vocabulary import PHASES

Integers = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class FairSteps:
    """Steps without flags, as arrays of shape (steps,); phases of shape (steps, phases)."""

    numbers: Integers
    durations_ns: Floats
    phases_ns: Floats
    turn: Turn | None = None
    """The turn of the run."""
    lockstep: bool = False
    """Whether the run's steps alternated with those of the others in its turn."""

    def __len__(self) -> int:
        return len(self.numbers)

    @property
    def median_ns(self) -> float:
        return float(np.median(self.durations_ns))

    @property
    def mean_ns(self) -> float:
        return float(np.mean(self.durations_ns))

    def after(self, number: int) -> FairSteps:
        """The steps after step `number`."""
        kept = self.numbers > number
        return FairSteps(self.numbers[kept], self.durations_ns[kept], self.phases_ns[kept], self.turn, self.lockstep)


def fair_steps(run: Run) -> FairSteps:
    """The steps of a run that have no flags, after those to be skipped; if every one has flags, all of these steps."""
    steps = run.view.steps
    numbers, flags = np.array(steps.numbers, dtype=np.int64), np.array(steps.flags, dtype=np.int64)
    judged = numbers > run.skip
    kept = judged & (flags == 0) if (judged & (flags == 0)).any() else judged
    return FairSteps(
        numbers[kept],
        np.maximum(np.array(steps.durations_ns, dtype=np.float64)[kept], 1.0),
        np.array(steps.phases_ns, dtype=np.float64).reshape(len(flags), len(PHASES))[kept],
        run.turn,
        run.lockstep,
    )


def in_lockstep(*sides: Sequence[FairSteps]) -> bool:
    """Whether all runs of all sides made their steps in turn with each other."""
    return all(run.lockstep for runs in sides for run in runs)


def common_warm_up(sides: Sequence[Sequence[FairSteps]]) -> int:
    """The last warm-up step, common to all runs so that all are judged on the same steps.

    Each side's warm-up is the median over its runs, so that a single run with a slow start does not decide.
    """
    lengths = []
    for runs in sides:
        ends = [int(run.numbers[length - 1]) if (length := warm_up_length(run.durations_ns)) else 0 for run in runs]
        lengths.append(int(np.median(ends)))
    fewest = min(int(run.numbers[-1]) for runs in sides for run in runs)
    return min(max(lengths), fewest - 1)
