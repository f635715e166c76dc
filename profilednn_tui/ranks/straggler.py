"""The rank that the others wait for, if it is the same one beyond noise, and where it falls behind."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import comb

import numpy as np
import numpy.typing as npt

from profilednn_tui import units
from profilednn_tui.protocol.vocabulary import PHASES
from profilednn_tui.ranks.difference import operator_differences
from profilednn_tui.ranks.waits import WAITING, Floats, StepWaits
from profilednn_tui.session.view import Frame, RankRecord

NEWEST_STEPS = 64
FEWEST_STEPS = 10
LEAST_SHARE = 0.05
"""Of the step. Equal ranks differ by less, on cores that are not quite alike."""
CONFIDENCE_ERROR = 0.005
"""Of the lower bound on the median lateness, after Conover, Practical Nonparametric Statistics, section 3.2."""
OWN_PHASE, OWN_OPERATOR = 0.5, 0.3
"""A phase or an operator is named if the rank loses at least this part of its lateness there."""
NO_CORE = 0.25
"""The cause is a neighbour if the training thread waits for a core for at least this part of the lateness."""
COMPUTING = 0.5
"""The rank computes if at least this part of the lateness is time on the processor."""
NEIGHBOUR = "neighbour on its core"


@dataclass(frozen=True, slots=True)
class Straggler:
    """A rank that is late."""

    rank: int
    late_ns: float
    """Median over the steps, as the others wait for it."""
    share: float
    """Of the median step."""
    steps: int
    """In how many of the steps looked at it came last."""
    of_steps: int
    phase: str | None
    """Where it falls behind; None if that is not in its program, or not in one phase."""
    cause: str | None
    """What its machine says; None if it just has more to do."""
    operator: str | None = None
    """The operator in which it loses most of its lateness, compared with a typical rank; None if there is none."""
    source: Frame | None = None
    """The line behind it."""


def find_straggler(
    records: Sequence[RankRecord], waits: Sequence[StepWaits], steps: npt.NDArray[np.int64]
) -> Straggler | None:
    """The late rank in the newest steps that count on all ranks; None as long as none is late beyond what varies by
    itself."""
    if len(steps) < FEWEST_STEPS:
        return None
    places = [np.searchsorted(record.numbers, steps) for record in records]
    caused = np.array([one.caused[place] for one, place in zip(waits, places, strict=True)])
    late = int(np.argmax(np.median(caused, axis=1)))
    others = np.max(np.delete(caused, late, axis=0), axis=0)
    step_ns = float(
        np.median(np.concatenate([record.durations[place] for record, place in zip(records, places, strict=True)]))
    )
    lead = caused[late] - others
    if _lower_bound(lead) < LEAST_SHARE * step_ns:
        return None
    late_ns = float(np.median(lead))
    phase, cause = _reason(records, places, late, late_ns)
    operator, source = _operator(records, records[late].rank, phase, late_ns) if phase is not None else (None, None)
    return Straggler(
        rank=records[late].rank,
        late_ns=late_ns,
        share=late_ns / step_ns,
        steps=int(np.count_nonzero(lead > 0)),
        of_steps=len(steps),
        phase=phase,
        cause=cause,
        operator=operator,
        source=source,
    )


def _operator(records: Sequence[RankRecord], late: int, phase: str, late_ns: float) -> tuple[str | None, Frame | None]:
    """The operator that takes the late rank longer than a typical one, and the line that calls it."""
    rows = [row for row in operator_differences(records, late) if row.phase == phase]
    worst = max(rows, key=lambda row: row.excess_ns, default=None)
    if worst is None or worst.excess_ns < OWN_OPERATOR * late_ns:
        return None, None
    return worst.name, worst.source


def _lower_bound(values: Floats) -> float:
    """Of the median: the order statistic that is above it with the probability of `CONFIDENCE_ERROR` at most."""
    count, below, total = len(values), 0, 0
    while total + comb(count, below) <= CONFIDENCE_ERROR * 2**count:
        total += comb(count, below)
        below += 1
    return float(np.sort(values)[below - 1]) if below else -np.inf


def _reason(
    records: Sequence[RankRecord], places: Sequence[npt.NDArray[np.int64]], late: int, late_ns: float
) -> tuple[str | None, str | None]:
    """The phase in which a rank falls behind, and the cause."""
    own = np.array([np.median(record.phases[place], axis=0) for record, place in zip(records, places, strict=True)])
    own[:, WAITING] = 0.0
    excess = own[late] - np.median(np.delete(own, late, axis=0), axis=0)
    times = np.array([np.median(record.times[place], axis=0) for record, place in zip(records, places, strict=True)])
    cpu, delay = (times[late] - np.median(np.delete(times, late, axis=0), axis=0))[:2]
    told = bool((times[:, 0] >= 0).all())
    if told and delay >= NO_CORE * late_ns:
        return None, NEIGHBOUR
    phase = PHASES[int(np.argmax(excess))] if float(np.max(excess)) >= OWN_PHASE * late_ns else None
    fewer = records[late].intra_op_threads < min(
        record.intra_op_threads for place, record in enumerate(records) if place != late
    )
    if fewer:
        return (
            phase,
            f"it computes with {units.count(records[late].intra_op_threads)} threads, and the others with more",
        )
    if told and cpu < COMPUTING * late_ns:
        return phase, "it waits there for something else than other ranks, and computes as much as they do"
    return phase, None
