"""The rank that the others wait for, if it is the same one beyond noise, and where it falls behind.

When it arrives varies with whatever else wants its core; what it computes in a step hardly does. So a rank that
computes longer than the others is told from a few steps, and one that is late for another reason from more.
"""

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
CONFIDENCE_ERROR = 0.02
"""Of the lower bound on the median lateness, after Conover, Practical Nonparametric Statistics, section 3.2."""
OWN_PHASE, OWN_OPERATOR = 0.5, 0.3
"""A phase or an operator is named if the rank loses at least this part of its lateness there."""
COMPUTING = 0.5
"""The rank computes if at least this part of the lateness is time on the processor."""
NO_CORE = 0.5
"""Otherwise, the cause is a neighbour if the training thread waits for a core for at least this part of it,"""
NEIGHBOUR_NS = 1e9
"""in steps that took so long together: at the start of a training, its own processes compete for the cores."""
NEIGHBOUR = "neighbour on its core"
ELSEWHERE = "it waits there for something else than other ranks, and computes as much as they do"
CPU, DELAY = 0, 1
"""Columns of `RankRecord.times`."""


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
    step_ns = float(
        np.median(np.concatenate([record.durations[place] for record, place in zip(records, places, strict=True)]))
    )
    lead = _lead(caused, late)
    late_ns = float(np.median(lead))
    cpu = np.array([record.times[place, CPU] for record, place in zip(records, places, strict=True)])
    computed = _lead(cpu, late) if (cpu >= 0).all() else np.zeros(0)
    beyond = max(_lower_bound(lead), _lower_bound(computed))
    if min(late_ns, beyond) < LEAST_SHARE * step_ns:
        return None
    phase = _phase(records, places, late, late_ns)
    cause = None
    if len(computed) and float(np.median(computed)) < COMPUTING * late_ns:
        if _part_without_core(records, waits, steps, late) >= NO_CORE:
            phase, cause = None, NEIGHBOUR
            explained = step_ns * len(steps) >= NEIGHBOUR_NS
        else:
            cause, explained = ELSEWHERE, phase is not None
        if not explained:
            return None
    elif threads := _fewer_threads(records, late):
        cause = f"it computes with {units.count(threads)} threads, and the others with more"
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


def _lead(values: Floats, late: int) -> Floats:
    """By how much a rank is beyond all others, in each step."""
    lead: Floats = values[late] - np.max(np.delete(values, late, axis=0), axis=0)
    return lead


def _phase(
    records: Sequence[RankRecord], places: Sequence[npt.NDArray[np.int64]], late: int, late_ns: float
) -> str | None:
    """The phase in which a rank falls behind; None if it is not one phase."""
    own = np.array([np.median(record.phases[place], axis=0) for record, place in zip(records, places, strict=True)])
    own[:, WAITING] = 0.0
    excess = own[late] - np.median(np.delete(own, late, axis=0), axis=0)
    return PHASES[int(np.argmax(excess))] if float(np.max(excess)) >= OWN_PHASE * late_ns else None


def _part_without_core(
    records: Sequence[RankRecord], waits: Sequence[StepWaits], steps: npt.NDArray[np.int64], late: int
) -> float:
    """The part of a rank's lateness for which it waits for a core, more than the others do; 0 if that is not known.

    Of all steps in between, as the kernel's figure is shared by those between two looks at it.
    """
    whole = [(record.numbers >= steps[0]) & (record.numbers <= steps[-1]) for record in records]
    delays = np.array([record.times[kept, DELAY].mean() for record, kept in zip(records, whole, strict=True)])
    caused = np.array([one.caused[kept].mean() for one, kept in zip(waits, whole, strict=True)])
    told = all((record.times[kept, DELAY] >= 0).all() for record, kept in zip(records, whole, strict=True))
    lead = float(_lead(caused, late))
    return float(_lead(delays, late)) / lead if told and lead > 0 else 0.0


def _fewer_threads(records: Sequence[RankRecord], late: int) -> int | None:
    """How many threads a rank computes with; None if it has not fewer than all others."""
    mine = records[late].intra_op_threads
    others = min(record.intra_op_threads for place, record in enumerate(records) if place != late)
    return mine if mine < others else None
