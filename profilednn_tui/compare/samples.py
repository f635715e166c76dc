"""The steps of runs that count: unprofiled ones, after the warm-up."""

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
    """Steps without flags, as arrays of the shape (steps,); phases of the shape (steps, phases)."""

    numbers: Integers
    durations_ns: Floats
    phases_ns: Floats
    turn: Turn | None = None
    """That of the run."""
    lockstep: bool = False
    """Whether it made its steps in turn with the others of its turn."""

    def __len__(self) -> int:
        return len(self.numbers)

    @property
    def median_ns(self) -> float:
        return float(np.median(self.durations_ns))

    def after(self, number: int) -> FairSteps:
        """The steps after the one of this number."""
        kept = self.numbers > number
        return FairSteps(self.numbers[kept], self.durations_ns[kept], self.phases_ns[kept], self.turn, self.lockstep)


def fair_steps(run: Run) -> FairSteps:
    """The steps of a run that the profiler did not touch; all of them when it touched every one."""
    steps = run.view.steps
    flags = np.array(steps.flags, dtype=np.int64)
    kept = flags == 0 if (flags == 0).any() else flags >= 0
    return FairSteps(
        np.array(steps.numbers, dtype=np.int64)[kept],
        np.maximum(np.array(steps.durations_ns, dtype=np.float64)[kept], 1.0),
        np.array(steps.phases_ns, dtype=np.float64).reshape(len(flags), len(PHASES))[kept],
        run.turn,
        run.lockstep,
    )


def common_warm_up(sides: Sequence[Sequence[FairSteps]]) -> int:
    """The last step that counts as warm-up in all runs, so that every run is judged on the same steps.

    Each side's own is the median over its runs: one run that was held up at its start does not decide.
    """
    lengths = []
    for runs in sides:
        ends = [int(run.numbers[length - 1]) if (length := warm_up_length(run.durations_ns)) else 0 for run in runs]
        lengths.append(int(np.median(ends)))
    fewest = min(int(run.numbers[-1]) for runs in sides for run in runs)
    return min(max(lengths), fewest - 1)
